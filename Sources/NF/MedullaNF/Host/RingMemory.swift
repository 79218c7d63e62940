import CMedullaNF
import Glibc
import MedullaBase

/// The rings of one function and its counters, in memory that both sides map, of a fixed size.
final class RingMemory {
  let descriptor: Int32
  let byteCount: Int
  let entries: Int
  private let base: UnsafeMutableRawPointer

  /// - Parameter entries: a power of two.
  init(entries: Int, name: String) throws(NFError) {
    self.entries = entries
    byteCount = Int(NF_AREA_BYTES) + 2 * Self.pages(entries)
    descriptor = nf_make_memory("medulla-rings-\(name)", UInt64(byteCount), 0)
    guard descriptor >= 0 else { throw .system("make the rings of \(name)", descriptor) }
    let mapped = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | Int32(MAP_POPULATE), descriptor, 0)
    guard let mapped, mapped != MAP_FAILED else {
      let number = errno
      close(descriptor)
      throw .system("map the rings of \(name)", number)
    }
    base = mapped
  }

  deinit {
    munmap(base, byteCount)
    close(descriptor)
  }

  private static func pages(_ entries: Int) -> Int {
    let page = Int(NF_AREA_BYTES)
    return (Int(nf_ring_bytes(UInt32(entries))) + page - 1) / page * page
  }

  private func ring(_ number: Int) -> UnsafeMutableRawPointer {
    base + Int(NF_AREA_BYTES) + number * Self.pages(entries)
  }

  /// To the function.
  var producer: nf_producer {
    nf_make_producer(ring(0), UInt32(entries))
  }

  /// From the function.
  var consumer: nf_consumer {
    nf_make_consumer(ring(1), UInt32(entries))
  }

  /// What the function counts; names and numbers are its own, so nothing is taken for granted.
  var counters: [String: UInt64] {
    let area = base.assumingMemoryBound(to: nf_area.self)
    let start = MemoryLayout<nf_area>.offset(of: \.counters) ?? 0
    var found: [String: UInt64] = [:]
    for index in 0..<Int(NF_COUNTERS) {
      let place = UnsafeRawPointer(area) + start + index * MemoryLayout<nf_counter>.stride
      let counter = place.load(as: nf_counter.self)
      let name = withUnsafeBytes(of: counter.name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard !name.isEmpty, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
      else { continue }
      found[name] = counter.value
    }
    return found
  }
}
