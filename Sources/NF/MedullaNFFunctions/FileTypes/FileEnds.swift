import MedullaEngines
import MedullaPayload

/// The first and the last bytes of a file, of each at most a block: all that a network of file types needs.
package struct FileEnds {
  /// nil: it came as an object.
  let stream: StreamKey?
  let name: String
  let size: Int
  private var first: [UInt8] = []
  /// The last bytes, in a ring of a block.
  private var ring: [UInt8] = []
  private let block: Int

  init(stream: StreamKey?, name: String, size: Int, block: Int) {
    self.stream = stream
    self.name = name
    self.size = size
    self.block = block
  }

  /// Takes bytes that begin at a place of the file, in any order.
  mutating func take(_ bytes: UnsafeRawBufferPointer, at place: Int) {
    if place < block {
      let end = min(block, place + bytes.count)
      if first.count < end { first += [UInt8](repeating: 0, count: end - first.count) }
      for at in place..<end { first[at] = bytes[at - place] }
    }
    let from = max(place, size - block)
    guard from < place + bytes.count else { return }
    if ring.isEmpty { ring = [UInt8](repeating: 0, count: block) }
    for at in from..<(place + bytes.count) { ring[at % block] = bytes[at - place] }
  }

  /// The first bytes, and the last ones.
  var head: [UInt8] { Array(first.prefix(min(size, block))) }
  var tail: [UInt8] {
    let count = min(size, block)
    return (0..<count).map { ring[(size - count + $0) % block] }
  }

  func features(_ configuration: FileTypeConfiguration) -> FileTypeFeatures {
    head.withUnsafeBytes { head in
      tail.withUnsafeBytes { FileTypeFeatures(head: head, tail: $0, size: size, configuration) }
    }
  }
}
