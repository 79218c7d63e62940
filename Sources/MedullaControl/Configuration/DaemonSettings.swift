import MedullaBase

/// What the daemon as a whole is told: the table `daemon`.
package struct DaemonSettings: Sendable, Equatable {
  /// What becomes of the functions when the daemon stops.
  package enum OnStop: String, Sendable, Codable {
    /// The fast path goes on with what it has.
    case keep
    /// Every function of the configuration is detached.
    case detach
  }

  package static let defaultSocket = "/run/medulla/control.sock"
  package static let defaultState = "/var/lib/medulla"

  /// The control socket's path.
  package var socket = DaemonSettings.defaultSocket
  /// The directory of the history and of kept snapshots.
  package var state = DaemonSettings.defaultState
  /// Records older than this are deleted.
  package var history = Duration.seconds(30 * 86_400)
  /// The size in bytes over which the oldest records are deleted.
  package var historyLimit = 256 << 20
  package var onStop = OnStop.keep
  /// Who the daemon becomes before the functions are loaded; nil: who it is.
  package var user: String?
  package var logLevel = LogLevel.info

  package enum LogLevel: String, Sendable, Codable, CaseIterable {
    case debug, info, notice, warning, error
  }

  package init() {}

  package var historyPath: String { state + "/history.sqlite" }
  package var snapshotsPath: String { state + "/snapshots" }
  package var lockPath: String { state + "/medullad.lock" }
}

extension DaemonSettings {
  /// A path of a Unix socket holds at most so many bytes (`sockaddr_un.sun_path`, less its end).
  static let socketPathLimit = 107

  init(_ table: inout TableReader, directory: String) {
    if let socket = table.string("socket") {
      self.socket = ConfigurationPath.absolute(socket, from: directory)
      if socket.isEmpty || self.socket.utf8.count > Self.socketPathLimit {
        table.problem(
          "socket", "\"\(self.socket)\" must have 1 to \(Self.socketPathLimit) bytes")
      }
    }
    if let state = table.string("state") {
      if state.isEmpty { table.problem("state", "must name a directory") }
      self.state = ConfigurationPath.absolute(state, from: directory)
    }
    history = table.duration("history", in: .seconds(60)...(.seconds(3_650 * 86_400))) ?? history
    historyLimit = table.bytes("history_limit", in: (1 << 20)...(1 << 40)) ?? historyLimit
    onStop = table.word("on_stop", [("keep", .keep), ("detach", .detach)]) ?? onStop
    if let user = table.string("user") {
      if user.isEmpty { table.problem("user", "must name a user; leave the key out to stay who you are") }
      self.user = user
    }
    logLevel = table.word("log_level", LogLevel.allCases.map { ($0.rawValue, $0) }) ?? logLevel
    table.finish()
  }
}

extension TableReader {
  /// A size: an integer of bytes, or a string such as `256MiB`.
  mutating func bytes(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let text = probe(key) else { return integer(key, in: range) }
    _ = string(key)
    if let count = try? Quantity.bytes(text, in: range) { return count }
    problem(
      key,
      "the string \"\(text.prefix(60))\" is not allowed; it must be a size from \(range.lowerBound >> 20)MiB "
        + "to \(range.upperBound >> 30)GiB")
    return nil
  }
}
