import Foundation
import MedullaBase

/// Lays out the sections of a snapshot's file.
struct SnapshotFileWriter {
  private struct Part {
    let kind: SnapshotSection.Kind
    let element: SnapshotSection.Element
    let index: Int
    let bytes: [UInt8]
  }

  private var parts: [Part] = []

  /// - Throws: `malformedFile` when a record's number is not finite.
  init(_ snapshot: Snapshot) throws(SnapshotError) {
    try add(.shape, snapshot.shape)
    try add(.record, snapshot.record)
    for (index, table) in snapshot.parameters.tables.enumerated() {
      add(.intercepts, index, table.map(\.intercept))
      add(.slopes, index, table.map(\.slope))
    }
    let features = snapshot.parameters.features
    let areAlike = features.allSatisfy { $0 == features.first }
    add(
      .features, 0,
      features.prefix(areAlike ? 1 : features.count).flatMap { [$0.low, $0.width, $0.multiplier, $0.bias] })
    for (index, step) in snapshot.parameters.steps.enumerated() {
      switch step {
      case .linear(let linear):
        if let clip = linear.clip { add(.clip, index, [clip.lowerBound, clip.upperBound]) }
        add(.weights, index, linear.weights)
        add(.biases, index, linear.bias)
        add(.multipliers, index, linear.multipliers)
      case .map(let map):
        if let clip = map.clip { add(.clip, index, [clip.lowerBound, clip.upperBound]) }
        add(.map, index, [map.bias, map.multiplier])
      case .softmax(let multiplier): add(.softmax, index, [multiplier])
      case .none: continue
      }
    }
  }

  private mutating func add(
    _ kind: SnapshotSection.Kind, _ index: Int, _ values: [some FixedWidthInteger & SignedInteger]
  ) {
    let element = NarrowNumbers.element(for: values)
    parts.append(
      Part(kind: kind, element: element, index: index, bytes: NarrowNumbers.bytes(values, as: element)))
  }

  private mutating func add(_ kind: SnapshotSection.Kind, _ value: some Encodable) throws(SnapshotError) {
    do {
      parts.append(Part(kind: kind, element: .text, index: 0, bytes: try JSONText.line(value)))
    } catch {
      throw SnapshotError(
        .malformedFile, "the snapshot's \(kind) cannot be written: one of its numbers is not finite")
    }
  }

  func file() -> (bytes: [UInt8], sections: [SnapshotSection]) {
    var sections: [SnapshotSection] = []
    var end = SnapshotTable.end(sections: parts.count)
    for part in parts {
      let section = SnapshotSection(
        kind: part.kind, element: part.element, index: part.index,
        count: part.bytes.count / part.element.bytes, offset: SnapshotSection.aligned(end),
        digest: SHA256.hash(part.bytes))
      sections.append(section)
      end = section.end
    }
    var bytes = SnapshotFile.magic
    bytes.reserveCapacity(end)
    bytes.append(SnapshotFile.version)
    bytes.append(UInt32(truncatingIfNeeded: sections.count))
    bytes.append(UInt64(end))
    for section in sections {
      bytes.append(section.kind.rawValue)
      bytes.append(section.element.rawValue)
      bytes.append(UInt32(truncatingIfNeeded: section.index))
      bytes.append(UInt64(section.count))
      bytes.append(UInt64(section.offset))
      bytes.append(UInt64(section.length))
      bytes += section.digest
    }
    bytes += SHA256.hash(bytes)
    for (section, part) in zip(sections, parts) {
      bytes += [UInt8](repeating: 0, count: section.offset - bytes.count)
      bytes += part.bytes
    }
    return (bytes, sections)
  }
}
