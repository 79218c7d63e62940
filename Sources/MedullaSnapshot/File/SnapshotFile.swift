import Foundation
import MedullaBase

/// The file of a snapshot: `snapshot.medulla` in a bundle, version 2.
///
/// | bytes | what |
/// | --- | --- |
/// | 8 | `medulla` and a zero |
/// | 4 | format version, little-endian as every number |
/// | 4 | number of sections |
/// | 8 | bytes of the file |
/// | 64 · sections | the table: an entry for each section |
/// | 32 | SHA-256 of everything before; in hexadecimal it is the snapshot's digest |
/// | … | the sections, each at the next multiple of 64 with zeros before it |
///
/// An entry has a section's kind (2 bytes), element (2), index (4), count (8), offset (8), length (8) and
/// SHA-256 (32). The digest so covers every byte, and a reader that wants one section checks it without the
/// others. Numbers are as narrow as their values allow: 8-bit weights take a byte each. The 64-bit words that
/// kernels read are made from them (`Snapshot.image`), not stored.
///
/// The same snapshot gives the same bytes. Reading checks sizes before it allocates, then the digests, then
/// the shape, and proves every bound again. Files of version 1 are read as well.
package struct SnapshotFile: Sendable, Equatable {
  package let snapshot: Snapshot
  package let bytes: [UInt8]
  /// SHA-256, 64 hexadecimal digits.
  package let digest: String
  /// The parts of the file, in order; none in a file of version 1.
  package let sections: [SnapshotSection]

  package static let version: UInt32 = 2
  static let magic = Array("medulla\0".utf8)

  /// The file of a snapshot.
  ///
  /// - Throws: `malformedFile` when a record's number is not finite.
  package init(_ snapshot: Snapshot) throws(SnapshotError) {
    let writer = try SnapshotFileWriter(snapshot)
    self.snapshot = snapshot
    (bytes, sections) = writer.file()
    digest = SnapshotTable.digest(of: bytes, sections: sections.count).hexadecimal
  }

  /// Reads a file's bytes.
  ///
  /// - Throws: `malformedFile`, `unsupportedVersion`, `digestMismatch` or `notProven`; never traps.
  package init(bytes: [UInt8]) throws(SnapshotError) {
    guard bytes.count >= 12, bytes.starts(with: Self.magic) else {
      throw Self.damaged("it does not begin like one")
    }
    switch UInt32(truncatingIfNeeded: bytes.number(at: 8, bytes: 4)) {
    case 1:
      let file = try SnapshotFileVersion1(bytes)
      snapshot = file.snapshot
      digest = file.digest
      sections = []
    case Self.version:
      let table = try SnapshotTable(bytes)
      snapshot = try table.snapshot(in: bytes)
      digest = table.digest
      sections = table.sections
    case let version:
      throw SnapshotError(
        .unsupportedVersion,
        "the snapshot file has version \(version); this program reads 1 and \(Self.version)",
        remedy: "Compile the network again with this version of medulla.")
    }
    self.bytes = bytes
  }

  /// Reads the file at a path.
  package init(path: String) throws(SnapshotError) {
    try self.init(bytes: [UInt8](try BoundedFile.read(path)))
  }

  static func damaged(_ reason: String) -> SnapshotError {
    SnapshotError(
      .malformedFile, "this is not a snapshot file: \(reason)",
      remedy: "Compile the network again; the file is damaged or not a snapshot.")
  }

  static let digestMismatch = SnapshotError(
    .digestMismatch, "the snapshot file's digest does not match its bytes",
    remedy: "The file was changed or cut short; copy or compile it again.")
}

extension [UInt8] {
  mutating func append<Number: FixedWidthInteger>(_ number: Number) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }

  /// A little-endian number; the range must be inside.
  func number(at offset: Int, bytes: Int) -> UInt64 {
    (0..<bytes).reduce(0) { $0 | UInt64(self[offset + $1]) << UInt64(8 * $1) }
  }
}
