import Foundation

/// Writes frames of Ethernet as a capture: pcap with nanoseconds.
package struct CaptureWriter {
  /// How long a frame may be in the file.
  private static let snapLength: UInt32 = 65_535
  private let file: FileHandle
  private let name: String

  /// - Parameter path: `-` for standard output.
  /// - Throws: `unwritable`.
  package init(_ path: String) throws(CaptureError) {
    name = path
    if path == "-" {
      file = .standardOutput
    } else {
      guard FileManager.default.createFile(atPath: path, contents: nil),
        let opened = FileHandle(forWritingAtPath: path)
      else { throw Self.unwritable(path, "it cannot be opened") }
      file = opened
    }
    let words: [UInt32] = [0xa1b2_3c4d, 4 << 16 | 2, 0, 0, Self.snapLength, 1]
    try write(words.flatMap(Self.bytes))
  }

  /// - Parameters:
  ///   - nanoseconds: since 1970.
  ///   - length: of the frame; `bytes` may be its beginning.
  package func add(_ bytes: [UInt8], length: Int, at nanoseconds: UInt64) throws(CaptureError) {
    let words = [
      UInt32(truncatingIfNeeded: nanoseconds / 1_000_000_000), UInt32(nanoseconds % 1_000_000_000),
      UInt32(clamping: bytes.count), UInt32(clamping: length),
    ]
    try write(words.flatMap(Self.bytes) + bytes)
  }

  private func write(_ bytes: [UInt8]) throws(CaptureError) {
    do {
      try file.write(contentsOf: Data(bytes))
    } catch {
      throw Self.unwritable(name, error.localizedDescription)
    }
  }

  private static func bytes(_ word: UInt32) -> [UInt8] {
    withUnsafeBytes(of: word.littleEndian) { Array($0) }
  }

  private static func unwritable(_ path: String, _ cause: String) -> CaptureError {
    CaptureError(
      .unwritable, "\(path) cannot be written", cause: cause,
      remedy: "check the directory, its permissions and its room")
  }
}
