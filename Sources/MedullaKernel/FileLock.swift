import Glibc

/// One command at a time: an advisory lock that ends with its holder, also by `kill -9`.
package final class FileLock {
  package static let defaultPath = "/run/medulla.lock"
  /// How long a command waits for another one before it gives up.
  package static let patience = Duration.seconds(30)

  private let descriptor: Descriptor

  /// Waits for the lock, up to `patience`.
  package init(path: String = FileLock.defaultPath, patience: Duration = FileLock.patience)
    throws(KernelError)
  {
    let number = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard number >= 0 else { throw .system("open the lock \(path)") }
    descriptor = Descriptor(owning: number)
    let deadline = ContinuousClock.now + patience
    while flock(number, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else { throw .system("take the lock \(path)") }
      guard ContinuousClock.now < deadline else {
        throw KernelError(
          .busy, "take the lock \(path)", cause: "another command holds it",
          remedy: "wait for the other medulla command to end")
      }
      usleep(10_000)
    }
  }
}
