import CHost
import Glibc
import MedullaBase

/// Ctrl-C and termination as something that waits can see, so that every `defer` still runs.
///
/// `watch()` replaces the default action of SIGINT, SIGTERM and SIGHUP for the whole process; a library
/// never calls it, a command that owns the process does.
package enum Interruption {
  nonisolated(unsafe) private static var descriptor: Int32 = -1

  /// Turns the signals into news for `check` and all waits of this module. Call it once, from the main
  /// thread.
  package static func watch() {
    descriptor = medulla_interruption_descriptor()
  }

  /// Whether a signal has come. Stays true.
  package static var hasCome: Bool {
    guard descriptor >= 0 else { return false }
    var watched = descriptor
    var readable: UInt8 = 0
    return medulla_wait_readable(&watched, &readable, 1, 0) > 0
  }

  /// Throws `interrupted` when a signal has come.
  package static func check() throws {
    if hasCome {
      throw TestbedError(
        .interrupted, "A signal asked to stop.", remedy: "Everything that was made has been removed.")
    }
  }

  /// Sleeps, and throws `interrupted` as soon as a signal comes.
  package static func sleep(_ duration: Duration) throws {
    let deadline = ContinuousClock.now + duration
    while ContinuousClock.now < deadline {
      try check()
      let left = ContinuousClock.now.duration(to: deadline)
      let nanoseconds = max(0, min(left.nanoseconds, 200_000_000))
      var watched = descriptor
      var readable: UInt8 = 0
      _ = medulla_wait_readable(&watched, &readable, descriptor >= 0 ? 1 : 0, nanoseconds)
    }
  }
}
