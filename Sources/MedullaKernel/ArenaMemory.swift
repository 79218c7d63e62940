import CLibBPF
import Glibc

/// A BPF arena in this process's memory, at the address that programs know it by.
package final class ArenaMemory {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// - Parameters:
  ///   - map: an arena.
  ///   - address: its place, as it was made with.
  package init(_ map: BPFMap, at address: UInt64) throws(KernelError) {
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

  /// Touches every page, so that programs meet none that is not there: those read as 0 and cost a fault.
  package func fill() {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    for offset in stride(from: 0, to: byteCount, by: page) {
      base.storeBytes(of: 0, toByteOffset: offset, as: UInt64.self)
    }
  }
}
