import CHost

#if canImport(Glibc)
import Glibc
#endif

extension KernelIsolation {
  /// This kernel's.
  package static var present: KernelIsolation {
    KernelIsolation(
      landlock: Int(medulla_landlock_version()), hasSeccomp: medulla_has_seccomp() != 0)
  }
}

extension Spawner {
  /// Whether the process of these settings may be started so.
  ///
  /// - Returns: the user that it gets; nil: this process's.
  /// - Throws: `notIsolated` with what is missing and how to have it.
  @discardableResult
  func check(
    _ isolation: ProcessIsolation, for role: ProcessRole = .adapter, kernel: KernelIsolation = .present
  ) throws(AdapterFailure) -> Account? {
    let account = try isolation.user.map { name throws(AdapterFailure) in try Account(name, for: role) }
    if let account { try checkPolicy(account, role) }
    guard isolation.level == .full else {
      guard policy.allowsBare else {
        throw AdapterFailure(
          .notIsolated,
          "this daemon was started without \(role.one) of `isolation: none`, and starts none later",
          remedy: "Restart it.")
      }
      return account
    }
    if isPrivileged { try checkOwnUser(account, role) }
    let sharesUser = account.map { $0.user == geteuid() } ?? true
    if let refusal = kernel.refusal(sharesUser: sharesUser, for: role) { throw refusal }
    return account
  }

  private func checkPolicy(_ account: Account, _ role: ProcessRole) throws(AdapterFailure) {
    guard isPrivileged || account.user == geteuid() else {
      throw AdapterFailure(
        .notIsolated, "only root can start a process of user \(account.name)",
        remedy: "Start as root, or leave `user` out.")
    }
    guard policy.users?.contains(account.name) ?? true else {
      throw AdapterFailure(
        .notIsolated, "this daemon was started without \(role.one) of user \(account.name)",
        remedy: "Restart it: it has given up the right to start processes of further users.")
    }
  }

  /// A process of root, or of who owns the pins, the lock and the socket, could change them past every gate.
  private func checkOwnUser(_ account: Account?, _ role: ProcessRole) throws(AdapterFailure) {
    let remedy =
      "Set `user` of the \(role.rawValue) to one that nothing else runs as (\(role.userCommands)), or "
      + "`isolation: none` to trust it like the daemon."
    guard let account else {
      throw AdapterFailure(
        .notIsolated, "\(role.one)'s process needs a user of its own, and none is given", remedy: remedy)
    }
    guard account.user != 0, account.user != geteuid() else {
      throw AdapterFailure(
        .notIsolated,
        "\(role.one)'s process cannot be isolated as \(account.name), the daemon's own user or root",
        remedy: remedy)
    }
  }
}

/// How the process of an adapter is kept from what is not its own, in words for a report.
package enum IsolationWords {
  /// Of all processes of an adapter; nil when it has none.
  package static func of(_ adapter: AdapterSettings) -> String? {
    guard !adapter.agents.isEmpty else { return adapter.isolations.first.map { of($0) } }
    let each = adapter.agents.compactMap { agent in agent.isolation.map { "\(agent.name): \(of($0))" } }
    return each.isEmpty ? nil : each.joined(separator: "; ")
  }

  package static func of(_ isolation: ProcessIsolation, kernel: KernelIsolation = .present) -> String {
    let user = isolation.user.map { "user \($0)" } ?? "this process's user"
    guard isolation.level == .full else { return "none, \(user)" }
    return "\(user), Landlock \(kernel.landlock), seccomp, \(isolation.memory >> 20) MiB, "
      + "\(isolation.tasks) tasks"
  }
}
