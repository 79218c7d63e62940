import Foundation

/// Bytes of a file read as little-endian words.
struct LittleEndianBytes {
  let data: Data

  init(_ data: Data) {
    self.data = data
  }

  /// The words of the data, each transformed; a tail shorter than a word is left out.
  func elements<Word: FixedWidthInteger & BitwiseCopyable, Element>(
    _ type: Word.Type, _ transform: (Word) -> Element
  ) -> [Element] {
    let size = MemoryLayout<Word>.size
    return data.withUnsafeBytes { bytes in
      (0..<bytes.count / size).map { index in
        transform(Word(littleEndian: bytes.loadUnaligned(fromByteOffset: index * size, as: Word.self)))
      }
    }
  }
}
