import MedullaBase

/// What a network's inputs and outputs mean, where it decides about flows: the features that it is told, in
/// the order of its inputs, and the classes that it tells apart, in the order of its outputs.
///
/// Part of the program's shape, since the program computes those features and no others.
package struct FlowInterface: Hashable, Sendable, Codable {
  /// One for each input.
  package let features: [InputFeature]
  /// One for each output; none where outputs are no classes.
  package let labels: [String]

  package init(features: [InputFeature], labels: [String] = []) {
    self.features = features
    self.labels = labels
  }

  /// Whether it decides about paths, whose features are among its inputs.
  package var isOfPaths: Bool { features.contains { $0.path != nil } }

  package static let labelLimit = 64
  /// Paths that programs can tell apart.
  package static let pathLimit = 8
  /// Classes that programs can keep apart.
  package static let classLimit = 64

  /// - Throws: `malformedFile` or `badCalibration` as `error` has it, with what does not fit.
  func check(inputs: Int, outputs: Int, error: (String) -> SnapshotError) throws(SnapshotError) {
    guard features.count == inputs else {
      throw error("it names \(features.count) features for \(inputs) inputs")
    }
    guard outputs <= Self.classLimit else {
      throw error("\(outputs) outputs are more than \(Self.classLimit)")
    }
    for feature in features {
      guard let path = feature.path else { continue }
      guard outputs <= Self.pathLimit else {
        throw error("\(outputs) outputs are more than \(Self.pathLimit) paths")
      }
      guard path <= outputs else {
        throw error("\(feature.name) is of path \(path), and its outputs are costs of \(outputs)")
      }
    }
    guard labels.isEmpty || labels.count == outputs else {
      throw error("it has \(labels.count) labels for \(outputs) outputs")
    }
    for label in labels where !Self.isLabel(label) {
      throw error("\"\(label)\" is no label: 1 to \(Self.labelLimit) letters, digits, -, _, . and /")
    }
    guard Set(labels).count == labels.count else { throw error("two outputs have the same label") }
  }

  private static func isLabel(_ text: String) -> Bool {
    (1...labelLimit).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        let character = Character(UnicodeScalar(byte))
        return character.isASCII && (character.isLetter || character.isNumber || "-_./".contains(character))
      }
  }
}

/// One input of a network: a feature of flows, and how it becomes the input's fixed point.
///
/// As text `name`, or `log2(1+name)`.
package struct InputFeature: Hashable, Sendable, CustomStringConvertible {
  package enum Scale: String, Hashable, Sendable {
    /// The feature itself.
    case linear
    /// log₂(1 + x), straight between powers of two: for what ranges over decades.
    case log2
  }

  package let name: String
  package let scale: Scale

  package init(name: String, scale: Scale) {
    self.name = name
    self.scale = scale
  }

  /// - Returns: nil for a text that is neither.
  package init?(_ text: String) {
    let isLog = text.hasPrefix(Self.prefix) && text.hasSuffix(")")
    let name = isLog ? String(text.dropFirst(Self.prefix.count).dropLast()) : text
    guard (1...64).contains(name.utf8.count), name.utf8.first.map({ !(0x30...0x39).contains($0) }) == true,
      name.utf8.allSatisfy({ (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f })
    else { return nil }
    self.init(name: name, scale: isLog ? .log2 : .linear)
  }

  /// Which path it is of, from 1; nil: it is of the flow.
  package var path: Int? {
    guard name.hasPrefix("path_") else { return nil }
    return name.split(separator: "_").last.flatMap { Int($0) }
  }

  package var description: String { scale == .log2 ? "\(Self.prefix)\(name))" : name }

  private static let prefix = "log2(1+"
}

extension InputFeature: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let feature = InputFeature(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\"\(text)\" is no feature of flows")
    }
    self = feature
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
