import MedullaLearning
import TOMLKit

/// A TOML value as the configuration uses them.
enum ConfigurationValue: Equatable {
  case string(String)
  case integer(Int)
  case number(Double)
  case boolean(Bool)
  case array([ConfigurationValue])
  case table([String: ConfigurationValue])
  /// A date or a time, of which the configuration has none.
  case time

  /// An integer or a number.
  var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// For an adapter's process; nil where there is a time, which its messages cannot say.
  var frameValue: FrameValue? {
    switch self {
    case .string(let text): return .text(text)
    case .integer(let value): return .number(Double(value))
    case .number(let value): return value.isFinite ? .number(value) : nil
    case .boolean(let value): return .flag(value)
    case .array(let elements):
      let values = elements.compactMap(\.frameValue)
      return values.count == elements.count ? .list(values) : nil
    case .table(let members):
      let values = members.compactMapValues(\.frameValue)
      return values.count == members.count ? .object(values) : nil
    case .time: return nil
    }
  }

  /// What a person calls it in an error.
  var kind: String {
    switch self {
    case .string(let text): "the string \"\(text.prefix(60))\""
    case .integer(let value): "the integer \(value)"
    case .number(let value): "the number \(value)"
    case .boolean(let value): "\(value)"
    case .array: "an array"
    case .table: "a table"
    case .time: "a date or time"
    }
  }
}

/// A configuration's text, read, with the line of every key.
struct ConfigurationDocument {
  /// No configuration is as long.
  static let byteLimit = 1 << 20
  static let depthLimit = 32

  let root: ConfigurationValue
  let lines: KeyLines

  /// - Throws: the one problem that keeps the text from being TOML.
  init(_ text: String) throws(ConfigurationProblem) {
    guard text.utf8.count <= Self.byteLimit else {
      throw ConfigurationProblem(line: 1, key: "", message: "the file is larger than \(Self.byteLimit) bytes")
    }
    if let (line, byte) = Self.strayControl(Array(text.utf8)) {
      throw ConfigurationProblem(
        line: line, key: "", message: "not TOML: the file holds a control character, byte \(byte)")
    }
    lines = KeyLines(text)
    if let (line, what) = lines.malformed {
      throw ConfigurationProblem(line: line, key: "", message: "not TOML: \(what)")
    }
    do {
      root = try Self.value(of: TOMLTable(string: text), depth: 0)
    } catch let error as TOMLParseError {
      throw ConfigurationProblem(
        line: error.source.begin.line, key: "", message: "not TOML: \(error.description)")
    } catch let problem as ConfigurationProblem {
      throw problem
    } catch {
      throw ConfigurationProblem(line: 1, key: "", message: "not TOML: \(error)")
    }
  }

  /// The first control character that TOML does not allow anywhere. The library asserts on some of them, and
  /// takes a zero byte for the end.
  private static func strayControl(_ bytes: [UInt8]) -> (line: Int, byte: UInt8)? {
    var line = 1
    for (index, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: "\n"): line += 1
      case UInt8(ascii: "\r") where index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "\n"): break
      case UInt8(ascii: "\t"): break
      case 0..<0x20, 0x7F: return (line, byte)
      default: break
      }
    }
    return nil
  }

  private static func value(of table: TOMLTable, depth: Int) throws -> ConfigurationValue {
    guard depth < depthLimit else {
      throw ConfigurationProblem(line: 1, key: "", message: "tables are nested deeper than \(depthLimit)")
    }
    var result: [String: ConfigurationValue] = [:]
    // A key with an escaped zero byte comes back cut short and finds nothing: it is unknown under that name.
    for key in table.keys {
      result[key] = try table[key].map { try value(of: $0.tomlValue, depth: depth + 1) } ?? .time
    }
    return .table(result)
  }

  private static func value(of value: TOMLValue, depth: Int) throws -> ConfigurationValue {
    if let text = value.string { return .string(text) }
    if let flag = value.bool { return .boolean(flag) }
    if let integer = value.int { return .integer(integer) }
    if let number = value.double { return .number(number) }
    if let table = value.table { return try self.value(of: table, depth: depth) }
    if let array = value.array {
      guard depth < depthLimit else {
        throw ConfigurationProblem(line: 1, key: "", message: "arrays are nested deeper than \(depthLimit)")
      }
      return .array(try array.map { try self.value(of: $0.tomlValue, depth: depth + 1) })
    }
    return .time
  }
}
