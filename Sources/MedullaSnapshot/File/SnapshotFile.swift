import Crypto
import Foundation

/// The file of a snapshot: `snapshot.medulla` in a bundle.
///
/// | bytes | what |
/// | --- | --- |
/// | 8 | `medulla` and a zero |
/// | 4 | format version, little-endian as every number |
/// | 4 | bytes of the header |
/// | 8 | words of the image |
/// | … | the header: JSON with the shape and the record, keys sorted |
/// | 0–7 | zeros up to a multiple of 8 |
/// | 8 · words | the image |
/// | 32 | SHA-256 of everything before; in hexadecimal it is the snapshot's digest |
///
/// The same snapshot gives the same bytes. Reading checks sizes before it allocates, then the digest, then
/// the shape, and proves every bound again.
public struct SnapshotFile: Sendable, Equatable {
  public let snapshot: Snapshot
  public let bytes: [UInt8]
  /// SHA-256, 64 hexadecimal digits.
  public let digest: String

  public static let version: UInt32 = 1
  static let magic = Array("medulla\0".utf8)
  private static let fixedBytes = 24
  private static let digestBytes = 32
  private static let headerLimit = 1 << 28

  private struct Header: Codable {
    let shape: ProgramShape
    let record: SnapshotRecord
  }

  /// The file of a snapshot.
  ///
  /// - Throws: `malformedFile` when a record's number is not finite.
  public init(_ snapshot: Snapshot) throws(SnapshotError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let header: Data
    do {
      header = try encoder.encode(Header(shape: snapshot.shape, record: snapshot.record))
    } catch {
      throw SnapshotError(.malformedFile, "the snapshot's record cannot be written: \(error)")
    }
    var bytes = Self.magic
    bytes.append(Self.version)
    bytes.append(UInt32(truncatingIfNeeded: header.count))
    bytes.append(UInt64(snapshot.image.count))
    bytes += header
    bytes += [UInt8](repeating: 0, count: -bytes.count & 7)
    for word in snapshot.image { bytes.append(UInt64(bitPattern: word)) }
    let hash = SHA256.hash(data: bytes)
    bytes += hash
    self.snapshot = snapshot
    self.bytes = bytes
    digest = hash.hexadecimal
  }

  /// Reads a file's bytes.
  ///
  /// - Throws: `malformedFile`, `unsupportedVersion`, `digestMismatch` or `notProven`; never traps.
  public init(bytes: [UInt8]) throws(SnapshotError) {
    guard bytes.count >= Self.fixedBytes + Self.digestBytes, bytes.starts(with: Self.magic) else {
      throw Self.damaged("it does not begin like one")
    }
    let version = UInt32(truncatingIfNeeded: bytes.number(at: 8, bytes: 4))
    guard version == Self.version else {
      throw SnapshotError(
        .unsupportedVersion, "the snapshot file has version \(version); this program reads \(Self.version)",
        remedy: "Compile the network again with this version of medulla.")
    }
    let headerBytes = Int(bytes.number(at: 12, bytes: 4))
    let words = bytes.number(at: 16, bytes: 8)
    guard headerBytes <= Self.headerLimit, words <= UInt64(SnapshotLimits.imageWords) else {
      throw Self.damaged("its sizes are out of range")
    }
    let imageStart = (Self.fixedBytes + headerBytes + 7) & ~7
    let end = imageStart + Int(words) * 8
    guard bytes.count == end + Self.digestBytes else {
      throw Self.damaged("it has \(bytes.count) bytes and should have \(end + Self.digestBytes)")
    }
    let hash = SHA256.hash(data: bytes[..<end])
    guard hash.elementsEqual(bytes[end...]) else {
      throw SnapshotError(
        .digestMismatch, "the snapshot file's digest does not match its bytes",
        remedy: "The file was changed or cut short; copy or compile it again.")
    }
    guard bytes[Self.fixedBytes + headerBytes..<imageStart].allSatisfy({ $0 == 0 }) else {
      throw Self.damaged("its padding is not zero")
    }
    let header: Header
    do {
      let text = Data(bytes[Self.fixedBytes..<Self.fixedBytes + headerBytes])
      header = try JSONDecoder().decode(Header.self, from: text)
    } catch {
      throw Self.damaged("its header cannot be read: \(error)")
    }
    let image = (0..<Int(words)).map {
      Int64(bitPattern: bytes.number(at: imageStart + $0 * 8, bytes: 8))
    }
    snapshot = try Snapshot(shape: header.shape, image: image, record: header.record)
    self.bytes = bytes
    digest = hash.hexadecimal
  }

  /// Reads the file at a path.
  public init(path: String) throws(SnapshotError) {
    try self.init(bytes: [UInt8](try BoundedFile.read(path)))
  }

  private static func damaged(_ reason: String) -> SnapshotError {
    SnapshotError(
      .malformedFile, "this is not a snapshot file: \(reason)",
      remedy: "Compile the network again; the file is damaged or not a snapshot.")
  }
}

extension [UInt8] {
  fileprivate mutating func append<Number: FixedWidthInteger>(_ number: Number) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }

  /// A little-endian number; the range must be inside.
  fileprivate func number(at offset: Int, bytes: Int) -> UInt64 {
    (0..<bytes).reduce(0) { $0 | UInt64(self[offset + $1]) << UInt64(8 * $1) }
  }
}
