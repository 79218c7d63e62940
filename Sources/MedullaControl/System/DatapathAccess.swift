import CHost
import Glibc
import MedullaKernel

/// Lets another user use what is pinned.
enum DatapathAccess {
  /// Gives the pinned objects and the command lock to a user, and opens a way to them for this process.
  ///
  /// The capabilities allow the calls; the file system still asks for permission like any other. Its own root
  /// stays shut to the user: this process goes by a descriptor of the directory below it.
  static func open(to account: Privileges.Account, functions: [String]) throws(ControlError) {
    do {
      try BPFFileSystem.ensureMounted()
      try BPFFileSystem.makeDirectory(BPFFileSystem.root)
    } catch {
      throw ControlError(.privileges, "\(error)")
    }
    do {
      try BPFFileSystem.enter()
    } catch {
      throw ControlError(.privileges, "\(error)")
    }
    // The directory alone; what is in it may be another daemon's.
    let root = medulla_open_entry(AT_FDCWD, BPFFileSystem.path)
    defer { close(root) }
    let given = root < 0 ? root : medulla_give_entry(root, Int64(account.user), Int64(account.group))
    guard given == 0 else { throw UnixSocket.system("give \(BPFFileSystem.path) to \(account.name)", -given) }
    for name in functions { try OwnedTree.give(BPFFileSystem.root + "/" + name, to: account) }
    do {
      _ = try FileLock()
    } catch {
      throw ControlError(.privileges, "\(error)")
    }
    try OwnedTree.give(FileLock.defaultPath, to: account)
  }
}
