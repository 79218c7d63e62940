/// One part of a snapshot file: what the table of sections says of it.
package struct SnapshotSection: Hashable, Sendable {
  package enum Kind: UInt16, Hashable, Sendable, CaseIterable {
    /// JSON of the `ProgramShape`.
    case shape = 1
    /// JSON of the `SnapshotRecord`.
    case record
    /// A function table's intercepts, one for each segment.
    case intercepts
    case slopes
    /// Low, width, multiplier and bias of each feature; once when all are alike, as a slice's are.
    case features
    /// `channels × terms`, row-major.
    case weights
    case biases
    case multipliers
    /// The two bounds of a `clip` epilogue.
    case clip
    /// Bias and multiplier of a map step.
    case map
    /// The multiplier of a softmax step.
    case softmax
  }

  /// What a section's bytes are; the raw value is the size of an element, and 0 is text.
  package enum Element: UInt16, Hashable, Sendable, CaseIterable {
    case text = 0
    case int8 = 1
    case int16 = 2
    case int32 = 4
    case int64 = 8

    package var bytes: Int { max(Int(rawValue), 1) }
  }

  package let kind: Kind
  package let element: Element
  /// The step that it belongs to, or the table; 0 for the others.
  package let index: Int
  /// Elements, or bytes of text.
  package let count: Int
  /// Where it begins in the file.
  package let offset: Int
  /// SHA-256 of its bytes.
  package let digest: [UInt8]

  package var length: Int { count * element.bytes }
  package var end: Int { offset + length }

  /// Bytes of one entry of the table.
  static let entryBytes = 64
  /// Every section begins at a multiple, so that numbers can be read in place.
  static let alignment = 64
  /// Sections that a file may have.
  static let limit = 2 + 2 * SnapshotLimits.tables + 1 + 4 * SnapshotLimits.steps

  /// The next place where a section may begin.
  static func aligned(_ offset: Int) -> Int { (offset + alignment - 1) & ~(alignment - 1) }
}

extension SnapshotSection {
  /// What a section of a shape's file must be.
  struct Expected: Hashable {
    let kind: Kind
    let index: Int
    let count: Int
    /// The widest element that its values may need.
    let widest: Element
    /// Another number of elements that it may have.
    var briefCount: Int?
  }

  /// The sections of numbers that a checked shape's file has, in the file's order.
  static func expected(for shape: ProgramShape) -> [Expected] {
    var sections: [Expected] = []
    func add(_ kind: Kind, _ index: Int, _ count: Int, _ widest: Element = .int64) {
      sections.append(Expected(kind: kind, index: index, count: count, widest: widest))
    }
    for (index, table) in shape.tables.enumerated() {
      add(.intercepts, index, table.segments, .int32)
      add(.slopes, index, table.segments, .int32)
    }
    sections.append(
      Expected(
        kind: .features, index: 0, count: shape.inputs * ImageLayout.featureWords, widest: .int64,
        briefCount: ImageLayout.featureWords))
    for (index, step) in shape.steps.enumerated() {
      if step.epilogue?.function == .clip { add(.clip, index, ImageLayout.clipWords) }
      switch step {
      case .dense, .convolution:
        guard let block = step.block else { continue }
        let channels = block.channels * block.groups
        add(.weights, index, channels * block.terms, .int32)
        add(.biases, index, channels)
        add(.multipliers, index, channels)
      case .map: add(.map, index, 2)
      case .softmax: add(.softmax, index, 1)
      case .pad, .pool, .gather, .argmax: continue
      }
    }
    return sections
  }
}
