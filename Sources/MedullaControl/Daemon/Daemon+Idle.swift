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

  func set(_ isDetached: Bool) {
    guard isDetached else { return _ = unlink(path) }
    let file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o640)
    if file >= 0 { close(file) }
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
      mark.set(false)
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

  func leaveIdleness() {
    guard idle != nil else { return }
    idle = nil
    DetachedMark(settings).set(false)
  }

  func mayEnd(_ now: ContinuousClock.Instant) -> Bool {
    idle != nil && now - started >= Self.idleTime
  }
}
