import MedullaBase

/// Reads a frame's JSON header (RFC 8259), bounded in depth; strict, since both sides are programs.
struct FrameHeaderParser {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  /// - Throws: `malformedHeader` with the position, `tooLarge` for too deep a nesting.
  static func object(_ bytes: UnsafeRawBufferPointer) throws(FrameError) -> [String: FrameValue] {
    var parser = FrameHeaderParser(bytes)
    parser.skipSpace()
    guard case .object(let object) = try parser.value(depth: 0) else {
      throw FrameError(.malformedHeader, "the header is JSON, but not an object")
    }
    parser.skipSpace()
    guard parser.position == bytes.count else { throw parser.failure("something follows the object") }
    return object
  }

  private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func failure(_ what: String) -> FrameError {
    FrameError(.malformedHeader, "the header is no JSON: \(what) at byte \(position)")
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func value(depth: Int) throws(FrameError) -> FrameValue {
    guard depth < FrameLimits.depth else {
      throw FrameError(.tooLarge, "the header nests deeper than \(FrameLimits.depth)")
    }
    switch next {
    case UInt8(ascii: "{"): return .object(try members(depth: depth))
    case UInt8(ascii: "["): return .list(try elements(depth: depth))
    case UInt8(ascii: "\""): return .text(try string())
    case UInt8(ascii: "t"): return try word("true", .flag(true))
    case UInt8(ascii: "f"): return try word("false", .flag(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case .some: return .number(try number())
    case nil: throw failure("it ends early")
    }
  }

  private mutating func word(_ word: StaticString, _ value: FrameValue) throws(FrameError) -> FrameValue {
    let length = word.utf8CodeUnitCount
    guard bytes.count - position >= length else { throw failure("it ends early") }
    for index in 0..<length where bytes[position + index] != word.utf8Start[index] {
      throw failure("an unknown word")
    }
    position += length
    return value
  }

  private mutating func members(depth: Int) throws(FrameError) -> [String: FrameValue] {
    var object: [String: FrameValue] = [:]
    position += 1
    skipSpace()
    if next == UInt8(ascii: "}") {
      position += 1
      return object
    }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw failure("a key is missing") }
      let key = try string()
      skipSpace()
      guard next == UInt8(ascii: ":") else { throw failure("a colon is missing") }
      position += 1
      skipSpace()
      guard object.updateValue(try value(depth: depth + 1), forKey: key) == nil else {
        throw failure("the key \(key) stands twice")
      }
      skipSpace()
      if try ends(with: UInt8(ascii: "}")) { return object }
    }
  }

  private mutating func elements(depth: Int) throws(FrameError) -> [FrameValue] {
    var list: [FrameValue] = []
    position += 1
    skipSpace()
    if next == UInt8(ascii: "]") {
      position += 1
      return list
    }
    while true {
      skipSpace()
      list.append(try value(depth: depth + 1))
      skipSpace()
      if try ends(with: UInt8(ascii: "]")) { return list }
    }
  }

  /// Takes a comma (false) or the closing bracket (true).
  private mutating func ends(with bracket: UInt8) throws(FrameError) -> Bool {
    guard let byte = next, byte == bracket || byte == UInt8(ascii: ",") else {
      throw failure("a comma or a closing bracket is missing")
    }
    position += 1
    return byte == bracket
  }

  private mutating func string() throws(FrameError) -> String {
    position += 1
    var units: [UInt8] = []
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: units, as: UTF8.self) else { throw failure("no UTF-8") }
        return text
      case UInt8(ascii: "\\"): units.append(contentsOf: String(try escape()).utf8)
      case 0..<0x20: throw failure("a control character in a string")
      default: units.append(byte)
      }
    }
    throw failure("a string without its end")
  }

  private mutating func escape() throws(FrameError) -> Character {
    guard let byte = next else { throw failure("it ends early") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Character(Unicode.Scalar(byte))
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return Character(try scalar())
    default: throw failure("an unknown escape")
    }
  }

  /// The four digits after `\u`, and those of a second half where the first is a surrogate.
  private mutating func scalar() throws(FrameError) -> Unicode.Scalar {
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, next == UInt8(ascii: "\\") else { throw failure("half a surrogate pair") }
    position += 1
    guard next == UInt8(ascii: "u") else { throw failure("half a surrogate pair") }
    position += 1
    let second = try fourDigits()
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw failure("half a surrogate pair") }
    return scalar
  }

  private mutating func fourDigits() throws(FrameError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("an escape needs four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private mutating func number() throws(FrameError) -> Double {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    let whole = try digits()
    if whole > 1, bytes[position - whole] == UInt8(ascii: "0") {
      throw failure("a number with a leading zero")
    }
    if next == UInt8(ascii: ".") {
      position += 1
      _ = try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      _ = try digits()
    }
    guard position - start <= 64,
      let number = Double(String(decoding: bytes[start..<position], as: UTF8.self)), number.isFinite
    else { throw failure("a number that no double holds") }
    return number
  }

  private mutating func digits() throws(FrameError) -> Int {
    let start = position
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > start else { throw failure("no value") }
    return position - start
  }
}
