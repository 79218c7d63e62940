import CLibBPF
import Glibc

/// An array map in this process's memory; the kernel's programs see each store at once.
///
/// Loads acquire and stores release: who sees a stored word sees what was stored before it.
package final class MappedMap {
  private let base: UnsafeMutableRawPointer
  /// Bytes of all entries.
  package let count: Int
  private let mappedBytes: Int

  /// - Parameter map: an array made with `BPF_F_MMAPABLE`.
  package init(_ map: BPFMap) throws(KernelError) {
    // The kernel rounds an array's values up to 8 bytes, and the whole up to pages.
    let (bytes, overflow) = ((map.valueSize + 7) & ~7).multipliedReportingOverflow(by: map.entryLimit)
    guard !overflow, bytes > 0 else {
      throw KernelError(.invalid, "map memory of \(map.name): its size overflows")
    }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let rounded = (bytes + page - 1) / page * page
    let address = mmap(nil, rounded, PROT_READ | PROT_WRITE, MAP_SHARED, map.descriptor.number, 0)
    guard let address, address != MAP_FAILED else { throw .system("map memory of \(map.name)") }
    base = address
    count = bytes
    mappedBytes = rounded
  }

  deinit { munmap(base, mappedBytes) }

  package func load32(at offset: Int) -> UInt32 {
    precondition(offset >= 0 && offset + 4 <= count && offset % 4 == 0)
    return medulla_load32(base + offset)
  }

  package func load64(at offset: Int) -> UInt64 {
    precondition(offset >= 0 && offset + 8 <= count && offset % 8 == 0)
    return medulla_load64(base + offset)
  }

  package func store32(_ value: UInt32, at offset: Int) {
    precondition(offset >= 0 && offset + 4 <= count && offset % 4 == 0)
    medulla_store32(base + offset, value)
  }

  package func store64(_ value: UInt64, at offset: Int) {
    precondition(offset >= 0 && offset + 8 <= count && offset % 8 == 0)
    medulla_store64(base + offset, value)
  }

  /// Orders all before it and all after it, copies of words too.
  package func fence() { medulla_fence() }

  /// A plain copy of 64-bit words into the map, for memory that no program reads meanwhile.
  package func store(words: some Collection<Int64>, at offset: Int) {
    precondition(offset >= 0 && offset % 8 == 0 && words.count <= (count - offset) / 8)
    for (index, word) in words.enumerated() {
      base.storeBytes(of: word, toByteOffset: offset + index * 8, as: Int64.self)
    }
  }

  package func words(at offset: Int, count wanted: Int) -> [Int64] {
    precondition(offset >= 0 && offset % 8 == 0 && wanted >= 0 && wanted <= (count - offset) / 8)
    return (0..<wanted).map { base.load(fromByteOffset: offset + $0 * 8, as: Int64.self) }
  }
}
