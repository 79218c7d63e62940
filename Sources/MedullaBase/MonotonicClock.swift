import Glibc

/// The clock that the kernel's programs read too: it never steps, and stands still while the machine sleeps.
package enum MonotonicClock {
  @inline(__always)
  package static var nanoseconds: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  package static var now: Duration { .nanoseconds(Int64(clamping: nanoseconds)) }
}
