import CHost
import Glibc
import MedullaKernel

/// Gives files to another user without following links.
enum OwnedTree {
  /// Deeper than anything that this program makes.
  static let depthLimit: Int32 = 8

  static func give(_ path: String, to account: Privileges.Account) throws(ControlError) {
    let result = medulla_give_tree(path, Int64(account.user), Int64(account.group), depthLimit)
    guard result != -EMLINK else {
      throw ControlError(
        .io, "cannot give \(path) to \(account.name): a file in it has other names elsewhere",
        remedy: "look for it with `find \(path) -type f -links +1`, and remove it")
    }
    guard result == 0 else { throw UnixSocket.system("give \(path) to \(account.name)", -result) }
  }

  /// Makes a directory with those above it; true when it was made now.
  @discardableResult
  static func make(_ path: String, mode: mode_t) throws(ControlError) -> Bool {
    if BPFFileSystem.isDirectory(path) { return false }
    let parts = path.split(separator: "/")
    var current = ""
    for part in parts.dropLast() {
      current += "/" + part
      guard mkdir(current, 0o755) == 0 || errno == EEXIST || errno == EROFS else {
        throw UnixSocket.system("make the directory \(current)")
      }
    }
    guard mkdir(path, mode) == 0 || errno == EEXIST else {
      throw UnixSocket.system("make the directory \(path)")
    }
    return true
  }
}
