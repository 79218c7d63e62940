import CHost
import CLibBPF
import Glibc
import Synchronization

/// Where kernel objects stay when no process holds them.
package enum BPFFileSystem {
  package static let mountPoint = "/sys/fs/bpf"
  /// All that Medulla pins is below this directory.
  package static let path = mountPoint + "/medulla"
  /// Where this process finds it: the same, or by a descriptor, once it has entered.
  package static var root: String { place.withLock { $0 } }
  private static let place = Mutex(path)

  /// Has this process find the directory by a descriptor from now on: as another user, to whom it belongs, it
  /// could not pass the file system's root, and nobody else has to be let in for it.
  package static func enter() throws(KernelError) {
    let number = medulla_open_entry(AT_FDCWD, path)
    guard number >= 0 else { throw .system("open \(path)", number: number) }
    // It stays open as long as the process lives.
    place.withLock { $0 = "/proc/self/fd/\(number)" }
  }

  /// A sentence with the directory's own name in place of this process's way to it.
  static func named(_ text: String) -> String {
    root == path ? text : text.replacing(root + "/", with: path + "/")
  }

  /// True when a BPF file system is mounted at `mountPoint`.
  package static var isMounted: Bool { medulla_is_bpf_mount(mountPoint) != 0 }

  /// Mounts the BPF file system where it is missing.
  ///
  /// - Returns: true when it was mounted now, for the caller to say so.
  /// - Throws: `wrongNamespace` when nobody else would see what is pinned there.
  @discardableResult
  package static func ensureMounted() throws(KernelError) -> Bool {
    if isMounted {
      try checkShared()
      return false
    }
    guard mount("bpf", mountPoint, "bpf", 0, "mode=0700") == 0 else {
      let error = KernelError.system("mount the BPF file system at \(mountPoint)")
      throw KernelError(
        error.code, error.message, cause: error.cause,
        remedy: "run `mount -t bpf bpf \(mountPoint)` as root; in a container, mount it from the host")
    }
    do {
      try checkShared()
    } catch {
      umount2(mountPoint, 0)
      throw error
    }
    return true
  }

  /// Takes away what `ensureMounted` mounted, when nothing of ours came to be in it.
  package static func unmount() throws(KernelError) {
    guard rmdir(root) == 0 || errno == ENOENT else { throw .system("remove directory \(root)") }
    guard umount(mountPoint) == 0 else { throw .system("unmount \(mountPoint)") }
  }

  /// Makes a directory, with what is missing between it and `root`; it may exist already.
  ///
  /// Whoever leaves last takes empty directories away (`fabric down`), perhaps between two steps of this: it
  /// makes them again.
  package static func makeDirectory(_ path: String) throws(KernelError) {
    for _ in 1...100 {
      if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
      guard errno == ENOENT, path.hasPrefix(self.path + "/") || path.hasPrefix(root + "/") else { break }
      try makeDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
    }
    throw .system("make directory \(path)")
  }

  /// The names in a directory, sorted; empty when it does not exist.
  package static func contents(of path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// - Throws: `permission` when this process may not see what is pinned, `wrongNamespace` when that is
  ///   elsewhere.
  package static func checkReadable() throws(KernelError) {
    if root == path {
      try checkShared()
      guard access(mountPoint, X_OK) == 0 else { throw .system("look into \(mountPoint)") }
    }
    guard access(root, R_OK | X_OK) == 0 || errno == ENOENT else { throw .system("look into \(root)") }
  }

  /// - Throws: `permission` or `system` when nothing at `path` can be changed, such as on a read-only mount.
  package static func checkWritable(_ path: String) throws(KernelError) {
    guard access(path, W_OK | X_OK) != 0 else { return }
    let error = KernelError.system("change what is pinned at \(path)")
    guard errno == EROFS || error.remedy.isEmpty else { throw error }
    throw KernelError(
      error.code, error.message, cause: error.cause,
      remedy: "nothing was changed; a read-only mount is opened by `mount -o remount,rw \(mountPoint)`")
  }

  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// What tells a pin from one of the same path that was made after it was gone; nil when there is none.
  package static func identity(of path: String) -> UInt64? {
    var facts = stat()
    return lstat(path, &facts) == 0 ? UInt64(facts.st_ino) : nil
  }

  package static func isDirectory(_ path: String) -> Bool {
    var facts = stat()
    return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
  }

  /// Unpins one object; no error when it is gone already.
  package static func unpin(_ path: String) throws(KernelError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw .system("unpin \(path)") }
  }

  /// Unpins all below `path`, which must lie inside `root`, and removes the directory.
  package static func removeTree(_ path: String) throws(KernelError) {
    guard path.hasPrefix(root + "/"), !path.contains("/../") else {
      throw KernelError(.invalid, "\(path) is not below \(root)")
    }
    guard isDirectory(path) else { return try unpin(path) }
    for name in contents(of: path) { try removeTree(path + "/" + name) }
    guard rmdir(path) == 0 || errno == ENOENT else { throw .system("remove directory \(path)") }
  }
}
