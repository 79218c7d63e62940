/// What the daemon is told of network functions: the table `network_functions`.
package struct NetworkFunctionSettings: Sendable, Equatable {
  static let chainLimit = 16
  static let userLimit = 32

  /// Chain files that begin with the daemon.
  package var chains: [String] = []
  /// Whom functions may be started as; chains that begin later have no others.
  package var users: [String] = []
  /// Whether functions may be started without isolation.
  package var allowsBare = false
  /// Where the chains' sockets are made.
  package var directory = "/run/medulla/nf"

  package init() {}

  init(_ table: inout TableReader, directory: String) {
    chains = (table.strings("chains") ?? []).map { ConfigurationPath.absolute($0, from: directory) }
    users = table.strings("users") ?? []
    allowsBare = table.boolean("allow_unisolated") ?? false
    if let own = table.string("directory") {
      self.directory = ConfigurationPath.absolute(own, from: directory)
    }
    if chains.count > Self.chainLimit { table.problem("chains", "there are more than \(Self.chainLimit)") }
    if users.count > Self.userLimit { table.problem("users", "there are more than \(Self.userLimit)") }
    for user in users {
      do throws(ControlError) {
        _ = try Privileges.account(named: user)
      } catch {
        table.problem("users", error.message)
      }
    }
    table.finish()
  }
}
