import CLibBPF
import Glibc
import Synchronization

/// A BPF arena in this process's memory, at the address that programs know it by.
package final class ArenaMemory {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// By identifier of the map, what this process has mapped: the kernel gives a process one place for each.
  private static let mapped = Mutex<[UInt32: Held]>([:])

  private struct Held {
    weak var memory: ArenaMemory?
  }

  /// The memory of an arena, mapped once however often it is asked for.
  ///
  /// - Parameters:
  ///   - map: an arena.
  ///   - address: its place, as it was made with.
  package static func of(_ map: BPFMap, at address: UInt64) throws(KernelError) -> ArenaMemory {
    let outcome = mapped.withLock { held -> Result<Shared, KernelError> in
      if let memory = held[map.identifier]?.memory { return .success(Shared(memory)) }
      do throws(KernelError) {
        let memory = try ArenaMemory(map, at: address)
        held[map.identifier] = Held(memory: memory)
        return .success(Shared(memory))
      } catch {
        return .failure(error)
      }
    }
    return try outcome.get().memory
  }

  /// Out of the lock, for one caller alone.
  private struct Shared: @unchecked Sendable {
    let memory: ArenaMemory

    init(_ memory: ArenaMemory) { self.memory = memory }
  }

  private init(_ map: BPFMap, at address: UInt64) throws(KernelError) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let bytes = map.entryLimit * page
    let mapped = mmap(
      UnsafeMutableRawPointer(bitPattern: UInt(address)), bytes, PROT_READ | PROT_WRITE,
      MAP_SHARED | MAP_FIXED_NOREPLACE, map.descriptor.number, 0)
    guard let mapped, mapped != MAP_FAILED else { throw .system("map the arena \(map.name)") }
    base = mapped
    byteCount = bytes
  }

  deinit { munmap(base, byteCount) }
}
