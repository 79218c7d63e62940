import Foundation
import MedullaBase
import MedullaCompile
import MedullaDatapath

/// Does now and then, on a thread of its own, what time brings: flows past the drain limit move, and program
/// sets that nobody uses go.
final class Housekeeping: @unchecked Sendable {
  private weak var daemon: Daemon?
  private let condition = MonotonicCondition()
  private var isStopping = false

  init(daemon: Daemon) { self.daemon = daemon }

  func start() {
    let thread = Thread { [self] in
      while wait() { daemon?.sweep() }
    }
    thread.name = "housekeeping"
    thread.start()
  }

  /// The thread ends by itself; a sweep that waits for another command is not waited for.
  func stop() {
    condition.withLock {
      isStopping = true
      condition.broadcast()
    }
  }

  private func wait() -> Bool {
    condition.withLock {
      let end = MonotonicClock.now + .seconds(Daemon.sweepSeconds)
      while !isStopping, condition.wait(for: end - MonotonicClock.now) {}
      return !isStopping
    }
  }
}

extension Daemon {
  func sweep() {
    for host in functions {
      do {
        try Instance(host.settings.name).sweep()
      } catch {
        log.debug("\(host.settings.name): not swept: \(error)")
      }
    }
  }
}
