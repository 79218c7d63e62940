import Glibc

/// A lock on a directory that exists, also one of the BPF file system; it ends with its holder.
package final class DirectoryLock {
  private let descriptor: Descriptor

  /// How often a lock that is waited for is tried again, in microseconds.
  private static let interval: UInt32 = 1_000

  /// - Parameter patience: how long to wait for a holder to let go.
  /// - Returns: nil when another still holds it.
  package init?(_ path: String, within patience: Duration = .zero) throws(KernelError) {
    let number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
    guard number >= 0 else { throw .system("open \(path)") }
    descriptor = Descriptor(owning: number)
    let deadline = ContinuousClock.now.advanced(by: patience)
    while flock(number, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else { throw .system("lock \(path)") }
      guard ContinuousClock.now < deadline else { return nil }
      usleep(Self.interval)
    }
  }
}
