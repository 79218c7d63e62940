import Foundation
import MedullaBase
import MedullaModel

/// The table of sections of a version 2 file, read from bytes that may be anything.
struct SnapshotTable {
  let sections: [SnapshotSection]
  /// SHA-256 of the head and the table, 64 hexadecimal digits.
  let digest: String

  private static let headBytes = 24
  private static let textLimit = 1 << 28

  /// The bytes that the digest covers.
  private static func signedEnd(sections: Int) -> Int { headBytes + sections * SnapshotSection.entryBytes }

  /// Where the first section may begin, before its alignment.
  static func end(sections: Int) -> Int { signedEnd(sections: sections) + SHA256.byteCount }

  /// The stored digest of a file whose table is complete.
  static func digest(of bytes: [UInt8], sections: Int) -> ArraySlice<UInt8> {
    bytes[signedEnd(sections: sections)..<end(sections: sections)]
  }

  /// Checks the table, and every section's place and digest.
  init(_ bytes: [UInt8]) throws(SnapshotError) {
    guard bytes.count >= Self.headBytes else { throw SnapshotFile.damaged("it ends within its head") }
    let count = Int(bytes.number(at: 12, bytes: 4))
    guard (3...SnapshotSection.limit).contains(count), bytes.count >= Self.end(sections: count) else {
      throw SnapshotFile.damaged("it has \(count) sections in \(bytes.count) bytes")
    }
    guard bytes.number(at: 16, bytes: 8) == UInt64(bytes.count) else {
      throw SnapshotFile.damaged("it has \(bytes.count) bytes and says \(bytes.number(at: 16, bytes: 8))")
    }
    let hash = SHA256.hash(bytes[..<Self.signedEnd(sections: count)])
    guard hash.elementsEqual(Self.digest(of: bytes, sections: count)) else {
      throw SnapshotFile.digestMismatch
    }
    var sections: [SnapshotSection] = []
    var end = Self.end(sections: count)
    for index in 0..<count {
      let section = try Self.section(at: Self.headBytes + index * SnapshotSection.entryBytes, in: bytes)
      guard section.offset == SnapshotSection.aligned(end), section.end <= bytes.count else {
        throw SnapshotFile.damaged("section \(index) does not follow the one before")
      }
      guard bytes[end..<section.offset].allSatisfy({ $0 == 0 }) else {
        throw SnapshotFile.damaged("the padding before section \(index) is not zero")
      }
      guard SHA256.hash(bytes[section.offset..<section.end]) == section.digest else {
        throw SnapshotFile.digestMismatch
      }
      sections.append(section)
      end = section.end
    }
    guard end == bytes.count else { throw SnapshotFile.damaged("bytes follow its last section") }
    self.sections = sections
    digest = hash.hexadecimal
  }

  private static func section(at offset: Int, in bytes: [UInt8]) throws(SnapshotError) -> SnapshotSection {
    let kind = SnapshotSection.Kind(rawValue: UInt16(bytes.number(at: offset, bytes: 2)))
    let element = SnapshotSection.Element(rawValue: UInt16(bytes.number(at: offset + 2, bytes: 2)))
    let numbers = [8, 16, 24].map { bytes.number(at: offset + $0, bytes: 8) }
    guard let kind, let element, numbers.allSatisfy({ $0 <= UInt64(BoundedFile.limit) }) else {
      throw SnapshotFile.damaged("an entry of its table is out of range")
    }
    let section = SnapshotSection(
      kind: kind, element: element, index: Int(bytes.number(at: offset + 4, bytes: 4)),
      count: Int(numbers[0]), offset: Int(numbers[1]), digest: Array(bytes[offset + 32..<offset + 64]))
    guard section.length == Int(numbers[2]) else {
      throw SnapshotFile.damaged("a section has \(section.count) elements in \(numbers[2]) bytes")
    }
    return section
  }

  /// The snapshot of the file that the table was read from.
  func snapshot(in bytes: [UInt8]) throws(SnapshotError) -> Snapshot {
    let shape: ProgramShape = try json(0, .shape, in: bytes)
    let record: SnapshotRecord = try json(1, .record, in: bytes)
    try shape.check()
    let expected = SnapshotSection.expected(for: shape)
    let matches = zip(sections.dropFirst(2), expected).allSatisfy { section, wanted in
      section.kind == wanted.kind && section.index == wanted.index
        && (section.count == wanted.count || section.count == wanted.briefCount)
        && section.element != .text && section.element.bytes <= wanted.widest.bytes
    }
    guard expected.count == sections.count - 2, matches else {
      throw SnapshotFile.damaged("its sections are not those of its shape")
    }
    var numbers = SectionNumbers(bytes: bytes, sections: sections[2...])
    var tables: [[TableEntry]] = []
    for _ in shape.tables {
      let intercepts: [Int32] = try numbers.next()
      let slopes: [Int32] = try numbers.next()
      tables.append(zip(intercepts, slopes).map { TableEntry(intercept: $0, slope: $1) })
    }
    let words: [Int64] = try numbers.next()
    let stored = stride(from: 0, to: words.count, by: ImageLayout.featureWords).map {
      FeatureScaling(low: words[$0], width: words[$0 + 1], multiplier: words[$0 + 2], bias: words[$0 + 3])
    }
    let features =
      stored.count == shape.inputs
      ? stored : [FeatureScaling](repeating: stored[0], count: shape.inputs)
    var steps: [StepParameters] = []
    for step in shape.steps { steps.append(try numbers.parameters(of: step)) }
    return try Snapshot(
      shape: shape, parameters: IntegerParameters(tables: tables, features: features, steps: steps),
      record: record)
  }

  private func json<Value: Decodable>(
    _ index: Int, _ kind: SnapshotSection.Kind, in bytes: [UInt8]
  ) throws(SnapshotError) -> Value {
    let section = sections[index]
    guard section.kind == kind, section.element == .text, section.index == 0,
      section.length <= Self.textLimit
    else { throw SnapshotFile.damaged("its section \(index) is not the \(kind)") }
    do {
      return try JSONDecoder().decode(Value.self, from: Data(bytes[section.offset..<section.end]))
    } catch {
      throw SnapshotFile.damaged("its \(kind) cannot be read: \(DecodingMessage(error))")
    }
  }
}

/// The sections of numbers, one after another, as the shape expects them.
private struct SectionNumbers {
  let bytes: [UInt8]
  var sections: ArraySlice<SnapshotSection>

  mutating func next<Number: FixedWidthInteger & SignedInteger>() throws(SnapshotError) -> [Number] {
    guard let section = sections.popFirst(),
      let values = NarrowNumbers.values(
        bytes[section.offset..<section.end], of: section.element, as: Number.self)
    else { throw SnapshotFile.damaged("a section is missing") }
    return values
  }

  mutating func parameters(of step: Step) throws(SnapshotError) -> StepParameters {
    var clip: ClosedRange<Int64>?
    if step.epilogue?.function == .clip {
      let bounds: [Int64] = try next()
      guard bounds[0] <= bounds[1] else {
        throw SnapshotError(.malformedFile, "a \(step.kind) clips to \(bounds[0])…\(bounds[1])")
      }
      clip = bounds[0]...bounds[1]
    }
    switch step {
    case .dense, .convolution:
      return .linear(
        LinearParameters(weights: try next(), bias: try next(), multipliers: try next(), clip: clip))
    case .map:
      let numbers: [Int64] = try next()
      return .map(MapParameters(bias: numbers[0], multiplier: numbers[1], clip: clip))
    case .softmax:
      let numbers: [Int64] = try next()
      return .softmax(multiplier: numbers[0])
    case .pad, .pool, .gather, .argmax: return .none
    }
  }
}
