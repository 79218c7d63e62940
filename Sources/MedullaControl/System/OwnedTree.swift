import Glibc
import MedullaKernel

/// Gives files to another user without following links.
enum OwnedTree {
  /// Deeper than anything that this program makes.
  static let depthLimit = 8

  static func give(_ path: String, to account: Privileges.Account, depth: Int = 0) throws(ControlError) {
    guard lchown(path, account.user, account.group) == 0 || errno == ENOENT else {
      throw UnixSocket.system("give \(path) to \(account.name)")
    }
    guard depth < depthLimit, BPFFileSystem.isDirectory(path) else { return }
    for name in BPFFileSystem.contents(of: path) {
      try give(path + "/" + name, to: account, depth: depth + 1)
    }
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
