import Glibc

/// A lock with a condition whose times of waiting go by the monotonic clock: a step of the wall clock neither
/// prolongs nor cuts them, as it does with Foundation's.
package final class MonotonicCondition: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  package func withLock<Value>(_ body: () throws -> Value) rethrows -> Value {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }

  package func signal() { pthread_cond_signal(condition) }
  package func broadcast() { pthread_cond_broadcast(condition) }

  /// With the lock held.
  package func wait() { pthread_cond_wait(condition, mutex) }

  /// With the lock held; false when the time is over.
  package func wait(for time: Duration) -> Bool {
    guard time > .zero else { return false }
    let end = MonotonicClock.now + time
    var limit = timespec()
    limit.tv_sec = Int(end.components.seconds)
    limit.tv_nsec = Int(end.components.attoseconds / 1_000_000_000)
    return pthread_cond_timedwait(condition, mutex, &limit) == 0
  }
}
