/// What a process is to the daemon, as messages name it.
package enum ProcessRole: String, Sendable, Equatable {
  case adapter
  case labelingAgent = "labeling agent"
  case networkFunction = "network function"

  /// With its article.
  var one: String { self == .adapter ? "an adapter" : "a \(rawValue)" }

  /// What makes a user for it.
  var userCommands: String {
    self == .networkFunction
      ? "`useradd --system medulla-nf`" : "`useradd --system medulla-adapter`, or `systemd-sysusers`"
  }
}
