import CHost
import Glibc
import MedullaAdaptation
import MedullaKernel

/// Which privileges the daemon keeps once everything is loaded.
///
/// What an update needs was found by trying each: `docs/use/daemon.md` has the table.
enum Privileges {
  /// With the kernel's numbers (`capability.h`).
  static let kept: [(name: String, bit: Int)] = [
    ("CAP_NET_ADMIN", 12), ("CAP_PERFMON", 38), ("CAP_BPF", 39),
  ]
  /// Kept besides where processes are handed packets: each start opens a socket for them.
  static let packets: (name: String, bit: Int) = ("CAP_NET_RAW", 13)
  /// Kept besides where chains of network functions may begin: packet memory is locked.
  static let lockedMemory: (name: String, bit: Int) = ("CAP_IPC_LOCK", 14)
  static let names: [Int: String] = [
    0: "CAP_CHOWN", 1: "CAP_DAC_OVERRIDE", 2: "CAP_DAC_READ_SEARCH", 3: "CAP_FOWNER", 5: "CAP_KILL",
    6: "CAP_SETGID", 7: "CAP_SETUID", 8: "CAP_SETPCAP", 12: "CAP_NET_ADMIN", 13: "CAP_NET_RAW",
    14: "CAP_IPC_LOCK",
    21: "CAP_SYS_ADMIN", 23: "CAP_SYS_NICE", 24: "CAP_SYS_RESOURCE", 38: "CAP_PERFMON", 39: "CAP_BPF",
  ]
  /// In most kernels there are 41; a full set is told as such.
  private static let all = 41
  private static let groupLimit = 64

  /// What is kept of a daemon by what its configuration says. Chains of network functions open sockets too.
  static func kept(by configuration: Configuration) -> [(name: String, bit: Int)] {
    guard configuration.networkFunctions == nil else { return kept + [packets, lockedMemory] }
    return kept + (configuration.functions.contains { $0.adapter.readsPackets } ? [packets] : [])
  }

  /// What is kept besides when the user stays root: its own files and children.
  static let ofRoot: UInt64 =
    1 << 0 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 23 | 1 << 24

  static func bits(_ capabilities: [(name: String, bit: Int)]) -> UInt64 {
    capabilities.reduce(0) { $0 | 1 << UInt64($1.bit) }
  }

  /// An account of this machine.
  struct Account: Equatable {
    let name: String
    let user: uid_t
    let group: gid_t
  }

  static func account(named name: String) throws(ControlError) -> Account {
    var record = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    let result = getpwnam_r(name, &record, &buffer, buffer.count, &found)
    guard result == 0, found != nil else {
      throw ControlError(
        .privileges, "there is no user \(name)",
        remedy: "make one (`systemd-sysusers` reads systemd/medulla.sysusers), or leave `user` out")
    }
    return Account(name: name, user: record.pw_uid, group: record.pw_gid)
  }

  /// The group's number; nil when there is no such group.
  static func group(named name: String) -> gid_t? {
    var record = Glibc.group()
    var found: UnsafeMutablePointer<Glibc.group>?
    var buffer = [CChar](repeating: 0, count: 64 << 10)
    let result = getgrnam_r(name, &record, &buffer, buffer.count, &found)
    return result == 0 && found != nil ? record.gr_gid : nil
  }

  /// The name of a user; its number when it has none.
  static func name(of user: uid_t) -> String {
    var record = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    guard getpwuid_r(user, &record, &buffer, buffer.count, &found) == 0, found != nil,
      let name = record.pw_name
    else { return String(user) }
    return String(cString: name)
  }

  /// Becomes another user, with those capabilities and no other.
  ///
  /// - Throws: `privileges`; also when the process has further threads already, which would keep theirs.
  static func become(
    _ account: Account, keeping capabilities: [(name: String, bit: Int)]
  ) throws(ControlError) {
    var groups = [gid_t](repeating: 0, count: groupLimit)
    var count = Int32(groupLimit)
    if getgrouplist(account.name, account.group, &groups, &count) < 0 { count = 0 }
    let result = medulla_become(account.user, account.group, groups, count, bits(capabilities))
    guard result != 0 else { return }
    if result == -EBUSY {
      throw ControlError(
        .privileges, "this process has several threads and cannot become \(account.name)",
        remedy: "use `medullad`, or leave `user` out")
    }
    throw ControlError(
      .privileges, "cannot become \(account.name): \(String(cString: strerror(-result)))",
      remedy: "start as root, or leave `user` out")
  }

  /// What is in force now, by name; numbers for those without one here.
  static func effective() -> [String] {
    var bits: UInt64 = 0
    guard medulla_effective_capabilities(&bits) == 0 else { return [] }
    let numbers = (0..<64).filter { bits & (1 << UInt64($0)) != 0 }
    return numbers.count >= all - 1 ? ["all"] : numbers.map { names[$0] ?? "CAP_\($0)" }
  }
}
