import Glibc

/// A lock on a directory that exists, also one of the BPF file system; it ends with its holder.
public final class DirectoryLock {
  private let descriptor: Descriptor

  /// - Parameter waits: until the holder lets go, instead of giving up.
  /// - Returns: nil when another holds it.
  public init?(_ path: String, waits: Bool = false) throws(KernelError) {
    let number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
    guard number >= 0 else { throw .system("open \(path)") }
    descriptor = Descriptor(owning: number)
    while flock(number, waits ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
      if errno == EWOULDBLOCK { return nil }
      guard errno == EINTR else { throw .system("lock \(path)") }
    }
  }
}
