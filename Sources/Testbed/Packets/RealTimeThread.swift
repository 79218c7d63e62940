import Glibc

/// The calling thread at real-time priority, so that what is measured is the work's own time and not the wait
/// for a processor that other programs have. The kernel keeps a twentieth of the time for those.
struct RealTimeThread {
  /// Below the link emulator's.
  static let priority: Int32 = 10
  private let isRealTime: Bool

  init() { isRealTime = Self.raise(0) }

  /// - Parameter thread: 0 for the calling one.
  /// - Returns: whether the kernel has allowed it.
  @discardableResult
  static func raise(_ thread: pid_t) -> Bool {
    var parameter = sched_param(sched_priority: priority)
    return sched_setscheduler(thread, SCHED_FIFO, &parameter) == 0
  }

  /// Back among the others.
  func end() {
    guard isRealTime else { return }
    var parameter = sched_param(sched_priority: 0)
    _ = sched_setscheduler(0, SCHED_OTHER, &parameter)
  }
}
