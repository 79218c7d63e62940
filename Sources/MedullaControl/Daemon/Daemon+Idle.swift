import CHost
import Foundation
import Glibc
import MedullaAdaptation

/// A file that says that a person had the functions detached: a client that only asks must not bring them
/// back, though its connection starts the daemon where the service manager holds the socket.
struct DetachedMark {
  let path: String

  init(_ settings: DaemonSettings) { path = settings.state + "/detached" }

  var isSet: Bool { access(path, F_OK) == 0 }

  /// - Throws: `io` where the state's directory cannot be written.
  func set(_ isDetached: Bool) throws(ControlError) {
    if isDetached {
      let file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o640)
      guard file >= 0 else { throw failure("made", errno) }
      close(file)
    } else if unlink(path) != 0, errno != ENOENT {
      throw failure("removed", errno)
    }
  }

  private func failure(_ what: String, _ code: Int32) -> ControlError {
    ControlError(
      .io, "the mark \(path) cannot be \(what): \(String(cString: strerror(code)))",
      remedy: "until then a client's question may attach what was detached, or leave it so")
  }
}

// A daemon that was started by a client's connection after someone had its functions detached.
extension Daemon {
  /// It ends by itself after so long: it has nothing to do but to answer.
  static let idleTime = Duration.seconds(60)

  /// The configuration's functions; none while they are to stay detached.
  func functionsToHost() -> [FunctionSettings] {
    let functions = lock.withLock { configuration.functions }
    let mark = DetachedMark(settings)
    guard socketOrigin == "passed", mark.isSet, hasCaller else {
      // Whoever starts it in earnest wants its functions.
      self.mark(false)
      return functions
    }
    log.notice(
      """
      its functions were detached by order, and a client's connection has started it: they stay detached \
      until `medulla reload` or a start of the service
      """)
    idle = functions.map(\.name)
    lock.withLock { configuration.functions = [] }
    return []
  }

  /// Whether a client waits at the listening socket.
  private var hasCaller: Bool {
    guard let listener else { return false }
    var polled = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    return poll(&polled, 1, 0) > 0
  }

  /// Sets the mark; where that fails the log says so, for the daemon goes on or ends all the same.
  func mark(_ isDetached: Bool) {
    do {
      try DetachedMark(settings).set(isDetached)
    } catch {
      log.error("\(error)")
    }
  }

  func leaveIdleness() {
    guard idle != nil else { return }
    idle = nil
    mark(false)
  }

  func mayEnd(_ now: ContinuousClock.Instant) -> Bool {
    idle != nil && now - started >= Self.idleTime
  }
}
