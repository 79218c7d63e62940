import Glibc
import MedullaAdaptation

/// The process that starts adapters for a daemon, by what its configuration says at the start.
enum AdapterSpawning {
  static func start(_ configuration: Configuration) throws {
    let adapters = configuration.functions.flatMap(\.adapter.isolations)
    let network = configuration.networkFunctions
    let bare = adapters.filter { $0.level == .none }
    var users = adapters.compactMap(\.user) + (network?.users ?? [])
    // A process that is not isolated and has no user of its own has the daemon's.
    if bare.contains(where: { $0.user == nil }) {
      users.append(configuration.daemon.user ?? Privileges.name(of: geteuid()))
    }
    try Spawner.start(
      Spawner.Policy(
        users: Array(Set(users.filter { (try? Privileges.account(named: $0)) != nil })).sorted(),
        allowsBare: !bare.isEmpty || network?.allowsBare ?? false,
        states: configuration.daemon.state + "-adapters"))
  }
}
