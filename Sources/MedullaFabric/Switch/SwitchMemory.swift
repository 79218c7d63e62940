import CMedullaFabric
import Glibc

/// A switch's memory, which tasks are laid out in: mapped from the kernel, or of this process alone.
///
/// What is handed out is zero, and begins at a cache line.
package final class SwitchMemory {
  private static let alignment = 64

  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  /// Free ranges in the order of their places, none beside another.
  private var free: [Range<Int>]
  private let whole: [Range<Int>]
  private let owner: AnyObject?
  private let reserve: (Range<Int>) throws(FabricError) -> Void

  /// - Parameters:
  ///   - owner: keeps the memory there; it is zero, but for what lies before `first`.
  ///   - reserve: asked before a range is written to that may have no pages yet.
  package init(
    base: UnsafeMutableRawPointer, byteCount: Int, first: Int, owner: AnyObject?,
    reserve: @escaping (Range<Int>) throws(FabricError) -> Void = { _ in }
  ) {
    self.reserve = reserve
    self.base = base
    self.byteCount = byteCount
    self.owner = owner
    let start = Self.roundedUp(first)
    whole = start < byteCount ? [start..<byteCount] : []
    free = whole
  }

  private static func roundedUp(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }

  package var freeBytes: Int { free.reduce(0) { $0 + $1.count } }

  package func address(_ offset: Int) -> UInt64 { UInt64(UInt(bitPattern: base)) + UInt64(offset) }

  /// Bytes of zeros.
  ///
  /// - Throws: `doesNotFit` with what there is.
  func take(_ bytes: Int) throws(FabricError) -> Range<Int> {
    let range = try find(bytes)
    memset(base + range.lowerBound, 0, range.count)
    return range
  }

  /// Room for elements, which they are in then.
  ///
  /// - Throws: `doesNotFit` with what there is.
  func take<Element: BitwiseCopyable>(copyOf elements: [Element]) throws(FabricError) -> Range<Int> {
    let bytes = elements.count * MemoryLayout<Element>.stride
    let range = try find(bytes)
    let place = base + range.lowerBound
    elements.withUnsafeBytes { if let source = $0.baseAddress { memcpy(place, source, bytes) } }
    memset(place + bytes, 0, range.count - bytes)
    return range
  }

  /// Pages that nobody has touched are not there for programs: all of it has to be written.
  private func find(_ bytes: Int) throws(FabricError) -> Range<Int> {
    let size = Self.roundedUp(max(bytes, 1))
    guard let place = free.firstIndex(where: { $0.count >= size }) else {
      throw FabricError(
        .doesNotFit, "the switch has no \(bytes) bytes of memory together, of \(freeBytes) that are free",
        remedy: "give it more memory (`memory` of the topology file)")
    }
    let start = free[place].lowerBound
    try reserve(start..<start + size)
    let rest = start + size..<free[place].upperBound
    if rest.isEmpty { free.remove(at: place) } else { free[place] = rest }
    return start..<start + size
  }

  /// Has these ranges and no others count as taken, by whoever laid out the memory.
  func keep(_ ranges: [Range<Int>]) {
    free = whole
    for range in ranges {
      free = free.flatMap { part -> [Range<Int>] in
        guard part.overlaps(range) else { return [part] }
        return [
          part.lowerBound..<max(range.lowerBound, part.lowerBound),
          min(range.upperBound, part.upperBound)..<part.upperBound,
        ]
        .filter { !$0.isEmpty }
      }
    }
  }

  /// Gives memory back that no program reads any more.
  func giveBack(_ ranges: [Range<Int>]) {
    var all = (free + ranges).sorted { $0.lowerBound < $1.lowerBound }
    var joined: [Range<Int>] = []
    while !all.isEmpty {
      let next = all.removeFirst()
      if let last = joined.last, last.upperBound == next.lowerBound {
        joined[joined.count - 1] = last.lowerBound..<next.upperBound
      } else {
        joined.append(next)
      }
    }
    free = joined
  }
}
