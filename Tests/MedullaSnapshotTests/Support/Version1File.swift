import Foundation
import MedullaBase
import MedullaSnapshot

/// Writes files as the first version of the format was, which is only read now.
enum Version1File {
  private struct Header: Encodable {
    let shape: ProgramShape
    let record: SnapshotRecord
  }

  static func bytes(of snapshot: Snapshot) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let header = try encoder.encode(Header(shape: snapshot.shape, record: snapshot.record))
    let image = snapshot.image
    var bytes = Array("medulla\0".utf8) + little(1, 4) + little(header.count, 4) + little(image.count, 8)
    bytes += header
    bytes += [UInt8](repeating: 0, count: -bytes.count & 7)
    for word in image { bytes += little(Int(word), 8) }
    return bytes + SHA256.hash(bytes)
  }

  private static func little(_ value: Int, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
