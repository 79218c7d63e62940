#if canImport(Glibc)
import Glibc
#endif

/// A user of this host, by name.
struct Account: Equatable {
  let user: Int64
  let group: Int64
  let home: String

  init(_ name: String) throws(AdapterFailure) {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 1 << 14)
    guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
      throw AdapterFailure(
        .cannotStart, "there is no user `\(name)` to run the adapter as",
        remedy: "Create it, or leave the option `user` out.")
    }
    user = Int64(entry.pw_uid)
    group = Int64(entry.pw_gid)
    home = entry.pw_dir.map { String(cString: $0) } ?? "/"
  }
}
