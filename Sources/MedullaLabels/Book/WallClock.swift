#if canImport(Glibc)
import Glibc
#endif

/// The clock of what outlives the machine's start, such as a day's budget. It may be set, also back.
package enum WallClock {
  /// Since the Unix epoch.
  package static var now: Duration {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
}
