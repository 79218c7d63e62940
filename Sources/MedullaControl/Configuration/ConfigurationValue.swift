import MedullaFrames
import MedullaLearning

/// A YAML value as the configuration uses them.
indirect enum ConfigurationValue {
  case string(String)
  case integer(Int)
  case number(Double)
  case boolean(Bool)
  case list([ConfigurationNode])
  case table([String: ConfigurationEntry])
  /// A word without quotes that is no string, number or truth value for certain, and why.
  case doubtful(String, String)

  /// What a person calls it in an error.
  var kind: String {
    switch self {
    case .string(let text): "the string \"\(text.prefix(60))\""
    case .integer(let value): "the integer \(value)"
    case .number(let value): "the number \(value)"
    case .boolean(let value): "\(value)"
    case .list: "a list"
    case .table: "a table"
    case .doubtful("", let why): why
    case .doubtful(let text, let why): "\(text.prefix(60)) (\(why))"
    }
  }

  var isScalar: Bool {
    switch self {
    case .list, .table: false
    default: true
    }
  }
}

/// A value and where it begins.
struct ConfigurationNode {
  let value: ConfigurationValue
  let position: TextPosition

  /// An integer or a number.
  var number: Double? {
    switch value {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// For an adapter's process; nil where there is a doubtful word, which its messages cannot say.
  var frameValue: FrameValue? {
    switch value {
    case .string(let text): return .text(text)
    case .integer(let value): return .number(Double(value))
    case .number(let value): return .number(value)
    case .boolean(let value): return .flag(value)
    case .list(let elements):
      let values = elements.compactMap(\.frameValue)
      return values.count == elements.count ? .list(values) : nil
    case .table(let members):
      let values = members.compactMapValues(\.node.frameValue)
      return values.count == members.count ? .object(values) : nil
    case .doubtful: return nil
    }
  }

  /// The doubtful words in it, in the order of the text.
  var doubtful: [ConfigurationNode] {
    switch value {
    case .doubtful: [self]
    case .list(let elements): elements.flatMap(\.doubtful)
    case .table(let members):
      members.values.sorted { $0.keyPosition < $1.keyPosition }.flatMap(\.node.doubtful)
    default: []
    }
  }
}

/// What a key of a table has.
struct ConfigurationEntry {
  let keyPosition: TextPosition
  let node: ConfigurationNode

  /// Where a problem of it is shown: at the value, or at the key of one that fills lines of its own.
  var position: TextPosition { node.value.isScalar ? node.position : keyPosition }
}
