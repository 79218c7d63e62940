import Foundation
import MedullaBase
import MedullaModel

/// A snapshot file as the first version of the format had it: read, no longer written.
///
/// | bytes | what |
/// | --- | --- |
/// | 8 | `medulla` and a zero |
/// | 4 | format version 1 |
/// | 4 | bytes of the header |
/// | 8 | words of the image |
/// | … | the header: JSON with the shape and the record, keys sorted |
/// | 0–7 | zeros up to a multiple of 8 |
/// | 8 · words | the image |
/// | 32 | SHA-256 of everything before; in hexadecimal it is the snapshot's digest |
struct SnapshotFileVersion1 {
  let snapshot: Snapshot
  let digest: String

  private static let fixedBytes = 24
  private static let digestBytes = 32
  private static let headerLimit = 1 << 28

  private struct Header: Codable {
    let shape: ProgramShape
    let record: SnapshotRecord
  }

  /// - Parameter bytes: begin with the magic and the version.
  init(_ bytes: [UInt8]) throws(SnapshotError) {
    guard bytes.count >= Self.fixedBytes + Self.digestBytes else {
      throw SnapshotFile.damaged("it ends within its header")
    }
    let headerBytes = Int(bytes.number(at: 12, bytes: 4))
    let words = bytes.number(at: 16, bytes: 8)
    guard headerBytes <= Self.headerLimit, words <= UInt64(SnapshotLimits.imageWords) else {
      throw SnapshotFile.damaged("its sizes are out of range")
    }
    let imageStart = (Self.fixedBytes + headerBytes + 7) & ~7
    let end = imageStart + Int(words) * 8
    guard bytes.count == end + Self.digestBytes else {
      throw SnapshotFile.damaged("it has \(bytes.count) bytes and should have \(end + Self.digestBytes)")
    }
    let hash = SHA256.hash(bytes[..<end])
    guard hash.elementsEqual(bytes[end...]) else { throw SnapshotFile.digestMismatch }
    guard bytes[Self.fixedBytes + headerBytes..<imageStart].allSatisfy({ $0 == 0 }) else {
      throw SnapshotFile.damaged("its padding is not zero")
    }
    let header: Header
    do {
      let text = Data(bytes[Self.fixedBytes..<Self.fixedBytes + headerBytes])
      header = try JSONDecoder().decode(Header.self, from: text)
    } catch {
      throw SnapshotFile.damaged("its header cannot be read: \(DecodingMessage(error))")
    }
    let image = (0..<Int(words)).map {
      Int64(bitPattern: bytes.number(at: imageStart + $0 * 8, bytes: 8))
    }
    snapshot = try Snapshot(shape: header.shape, image: image, record: header.record)
    digest = hash.hexadecimal
  }
}
