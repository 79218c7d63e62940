#if canImport(Glibc)
import Glibc
#endif

/// A user of this host, by name.
struct Account: Equatable {
  let name: String
  let user: uid_t
  let group: gid_t
  let home: String

  init(_ name: String, for role: ProcessRole = .adapter) throws(AdapterFailure) {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 1 << 14)
    guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
      throw AdapterFailure(
        .cannotStart, "there is no user `\(name)` to run the \(role.rawValue) as",
        remedy: role == .networkFunction
          ? "Create it (\(role.userCommands)), or name another."
          : "Create it (`systemd-sysusers` reads systemd/medulla.sysusers), or name another.")
    }
    self.name = name
    user = entry.pw_uid
    group = entry.pw_gid
    home = entry.pw_dir.map { String(cString: $0) } ?? "/"
  }

  /// Processes and threads that a user has now.
  static func tasks(of user: uid_t) -> Int {
    names(in: "/proc").reduce(0) { count, name in
      var facts = stat()
      guard pid_t(name) != nil, stat("/proc/\(name)", &facts) == 0, facts.st_uid == user else { return count }
      return count + names(in: "/proc/\(name)/task").count
    }
  }

  private static func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }
}
