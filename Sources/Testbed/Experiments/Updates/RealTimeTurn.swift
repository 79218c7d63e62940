import Glibc

/// A few steps of this thread at real-time priority, so that a measured time is the work's own and not the
/// wait for a processor that compilers have.
struct RealTimeTurn {
  /// Below the emulator's.
  private static let priority: Int32 = 10

  /// Whether the kernel has allowed it.
  let isRealTime: Bool

  init() {
    var parameter = sched_param(sched_priority: Self.priority)
    isRealTime = sched_setscheduler(0, SCHED_FIFO, &parameter) == 0
  }

  /// Back among the others.
  func end() {
    guard isRealTime else { return }
    var parameter = sched_param(sched_priority: 0)
    _ = sched_setscheduler(0, SCHED_OTHER, &parameter)
  }
}
