/// What a word without quotes is.
///
/// YAML 1.1 and 1.2 read some words differently (`no`, `010`, `1:30`), and a person mostly means neither.
/// Such a word is none of the two here: it is told apart, and the error asks for quotes or for plain digits.
enum PlainScalar {
  private static let truths: Set<String> = ["y", "yes", "on", "n", "no", "off", "true", "false"]
  private static let nothing: Set<String> = ["", "~", "null"]
  private static let unbounded: Set<String> = [".inf", "+.inf", "-.inf", ".nan"]

  static func value(of text: String) -> ConfigurationValue {
    if text == "true" || text == "false" { return .boolean(text == "true") }
    if let doubt = doubt(text) { return .doubtful(text, doubt) }
    return number(text) ?? .string(text)
  }

  private static func doubt(_ text: String) -> String? {
    let lower = text.lowercased()
    if nothing.contains(lower) { return "no value; leave the key out to have its default" }
    if truths.contains(lower) { return "a truth value to some readers of YAML and a word to others" }
    if unbounded.contains(lower) { return "not a finite number" }
    if text == "<<" || text == "=" { return "a sign with a meaning of its own to some readers of YAML" }
    let digits = lower.drop { $0 == "+" || $0 == "-" }
    guard let first = digits.first, first.isASCII, first.isNumber else { return nil }
    if digits.hasPrefix("0x") || digits.hasPrefix("0o") || digits.hasPrefix("0b") {
      return isMade(digits.dropFirst(2), of: "0123456789abcdef_") ? "a number that is not decimal" : nil
    }
    if digits.count > 1, digits.hasPrefix("0"), isMade(digits, of: "0123456789_") {
      return "an octal number to some readers of YAML and a decimal one to others"
    }
    if digits.contains("_"), isMade(digits, of: "0123456789_.e+-") {
      return "a number to some readers of YAML only"
    }
    if digits.contains(":"), isMade(digits, of: "0123456789:._") {
      return "a number of base 60 to some readers of YAML and a word to others"
    }
    return isDate(text) ? "a date to some readers of YAML and a word to others" : nil
  }

  /// `2026-05-27`, with a time or without.
  private static func isDate(_ text: String) -> Bool {
    let parts = text.split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].count == 4, (1...2).contains(parts[1].count) else { return false }
    let day = parts[2].prefix { $0.isASCII && $0.isNumber }
    let next = parts[2].dropFirst(day.count).first
    return isMade(parts[0], of: "0123456789") && isMade(parts[1], of: "0123456789")
      && (1...2).contains(day.count) && (next == nil || next == "T" || next == "t" || next == " ")
  }

  private static func number(_ text: String) -> ConfigurationValue? {
    let digits = text.drop { $0 == "+" || $0 == "-" }
    guard text.count - digits.count <= 1, let first = digits.first, first.isASCII,
      first.isNumber || first == "."
    else { return nil }
    if isMade(digits, of: "0123456789") {
      return Int(text).map { .integer($0) } ?? .doubtful(text, "too large an integer")
    }
    guard isMade(digits, of: "0123456789.eE+-"), let value = Double(text) else { return nil }
    return value.isFinite ? .number(value) : .doubtful(text, "too large a number")
  }

  private static func isMade(_ text: some StringProtocol, of letters: String) -> Bool {
    !text.isEmpty && text.allSatisfy(letters.contains)
  }
}
