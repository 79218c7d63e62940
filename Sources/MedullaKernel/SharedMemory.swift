import Glibc
import Synchronization

/// Memory that processes share by a file in memory, at one address in all of them.
package final class SharedMemory {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  private let descriptor: Descriptor

  /// By file, what this process has mapped: there is one place for each.
  private static let mapped = Mutex<[Identity: Held]>([:])

  private struct Identity: Hashable {
    let device: UInt64
    let inode: UInt64
  }

  private struct Held {
    weak var memory: SharedMemory?
  }

  /// Out of the lock, for one caller alone.
  private struct Found: @unchecked Sendable {
    let memory: SharedMemory
  }

  /// Makes the file. Pages of it are there once they are reserved.
  ///
  /// - Parameter address: of a page that nothing lies at.
  package static func make(_ path: String, bytes: Int, at address: UInt64) throws(KernelError) -> SharedMemory
  {
    let number = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw .system("make \(path)") }
    let descriptor = Descriptor(owning: number)
    guard ftruncate(number, bytes) == 0 else { throw .system("size \(path)") }
    return try of(descriptor, path, address)
  }

  /// What another process has made, mapped once however often it is asked for.
  package static func open(_ path: String, at address: UInt64) throws(KernelError) -> SharedMemory {
    let number = Glibc.open(path, O_RDWR | O_CLOEXEC)
    guard number >= 0 else { throw .system("open \(path)") }
    return try of(Descriptor(owning: number), path, address)
  }

  private static func of(
    _ descriptor: Descriptor, _ path: String, _ address: UInt64
  ) throws(KernelError) -> SharedMemory {
    var found = stat()
    guard fstat(descriptor.number, &found) == 0 else { throw .system("read the size of \(path)") }
    let identity = Identity(device: UInt64(found.st_dev), inode: UInt64(found.st_ino))
    let bytes = Int(found.st_size)
    let outcome = mapped.withLock { held -> Result<Found, KernelError> in
      if let memory = held[identity]?.memory { return .success(Found(memory: memory)) }
      do throws(KernelError) {
        let memory = try SharedMemory(descriptor, path, bytes, address)
        held[identity] = Held(memory: memory)
        return .success(Found(memory: memory))
      } catch {
        return .failure(error)
      }
    }
    return try outcome.get().memory
  }

  private init(
    _ descriptor: Descriptor, _ path: String, _ bytes: Int, _ address: UInt64
  ) throws(KernelError) {
    let mapped = mmap(
      UnsafeMutableRawPointer(bitPattern: UInt(address)), bytes, PROT_READ | PROT_WRITE,
      MAP_SHARED | MAP_FIXED_NOREPLACE, descriptor.number, 0)
    guard let mapped, mapped != MAP_FAILED else { throw .system("map \(path)") }
    (base, byteCount, self.descriptor) = (mapped, bytes, descriptor)
  }

  /// Has pages there, so that nobody who writes to them finds that there are none.
  package func reserve(_ range: Range<Int>) throws(KernelError) {
    let status = posix_fallocate(descriptor.number, range.lowerBound, range.count)
    guard status == 0 else { throw .system("reserve \(range.count) bytes of shared memory", number: -status) }
  }

  deinit { munmap(base, byteCount) }
}
