#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The monotonic clock that the kernel stamps samples with.
enum RunnerClock {
  static var now: Duration {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
  }
}
