import Foundation

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

  /// The process that holds the lock of `path`, by the kernel's table of locks (`/proc/locks`, proc(5)).
  package static func holder(of path: String, in locks: String) -> Int32? {
    var facts = stat()
    guard lstat(path, &facts) == 0 else { return nil }
    // The halves of a device's number, as makedev(3) of glibc lays them.
    let device = UInt64(facts.st_dev)
    let major = (device >> 8) & 0xFFF | (device >> 32) & 0xFFFF_F000
    let minor = device & 0xFF | (device >> 12) & 0xFFFF_FF00
    let place = String(format: "%02llx:%02llx:%llu", major, minor, UInt64(facts.st_ino))
    for line in locks.split(separator: "\n") {
      let words = line.split(separator: " ")
      // Waiters have an arrow before the kind, and so one word more.
      guard words.count >= 8, words[1] == "FLOCK", words[5] == place else { continue }
      return Int32(words[4])
    }
    return nil
  }
}
