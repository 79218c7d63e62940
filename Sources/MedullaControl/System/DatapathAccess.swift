import Glibc
import MedullaKernel

/// Lets another user use what is pinned.
enum DatapathAccess {
  /// Gives the pinned objects and the command lock to a user, and lets it pass the BPF file system's root.
  ///
  /// The capabilities allow the calls; the file system still asks for permission like any other.
  static func open(to account: Privileges.Account, functions: [String]) throws(ControlError) {
    do {
      try BPFFileSystem.ensureMounted()
      try BPFFileSystem.makeDirectory(BPFFileSystem.root)
    } catch {
      throw ControlError(.privileges, "\(error)")
    }
    var facts = stat()
    guard stat(BPFFileSystem.mountPoint, &facts) == 0 else {
      throw UnixSocket.system("look at \(BPFFileSystem.mountPoint)")
    }
    // Only to pass through: nobody can list or make anything there.
    let passable = facts.st_mode & 0o7777 | 0o011
    if facts.st_mode & 0o7777 != passable, chmod(BPFFileSystem.mountPoint, passable) != 0 {
      throw UnixSocket.system("let \(account.name) pass \(BPFFileSystem.mountPoint)")
    }
    guard lchown(BPFFileSystem.root, account.user, account.group) == 0 else {
      throw UnixSocket.system("give \(BPFFileSystem.root) to \(account.name)")
    }
    for name in functions { try OwnedTree.give(BPFFileSystem.root + "/" + name, to: account) }
    do {
      _ = try FileLock()
    } catch {
      throw ControlError(.privileges, "\(error)")
    }
    try OwnedTree.give(FileLock.defaultPath, to: account)
  }
}
