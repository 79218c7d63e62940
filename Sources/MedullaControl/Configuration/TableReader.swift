import MedullaLearning

/// Takes the keys of one table by name, with their types and ranges, and collects what is wrong.
///
/// Nothing ends at the first problem: a person wants to see all of them at once. A key that is wrong gives
/// its default, which nobody uses, because a configuration with problems is refused.
struct TableReader {
  /// The problems of the whole document.
  final class Problems {
    static let limit = 100
    private(set) var all: [ConfigurationProblem] = []

    func add(_ problem: ConfigurationProblem) {
      if all.count < Self.limit, !all.contains(problem) { all.append(problem) }
    }
  }

  private let values: [String: ConfigurationValue]
  private let path: [String]
  /// The path as a person writes it, without indexes.
  private let name: String
  private let lines: KeyLines
  private let problems: Problems
  private var claimed: Set<String> = []

  init(
    _ values: [String: ConfigurationValue], path: [String], name: String, lines: KeyLines, problems: Problems
  ) {
    self.values = values
    self.path = path
    self.name = name
    self.lines = lines
    self.problems = problems
  }

  /// Reports a problem of a key, or of the table itself.
  func problem(_ key: String? = nil, _ message: String) {
    problems.add(
      ConfigurationProblem(
        line: lines.line(of: key.map { path + [$0] } ?? path), key: fullName(key), message: message))
  }

  func has(_ key: String) -> Bool { values[key] != nil }

  /// The text of a string, without claiming the key; nil for any other value.
  func probe(_ key: String) -> String? {
    guard case .string(let text) = values[key] else { return nil }
    return text
  }

  mutating func string(_ key: String) -> String? {
    guard let value = take(key) else { return nil }
    guard case .string(let text) = value else { return wrong(key, value, "a string") }
    guard !text.utf8.contains(0), text.utf8.count <= 4_096 else {
      problem(key, "takes at most 4096 bytes without zeros")
      return nil
    }
    return text
  }

  mutating func requiredString(_ key: String, example: String) -> String {
    if !has(key) { problem(nil, "needs the key \(key), such as \(key) = \"\(example)\"") }
    let text = string(key)
    if text == "" { problem(key, "must not be empty") }
    return text ?? ""
  }

  mutating func strings(_ key: String) -> [String]? {
    guard let value = take(key) else { return nil }
    guard case .array(let elements) = value else { return wrong(key, value, "an array of strings") }
    var texts: [String] = []
    for element in elements {
      guard case .string(let text) = element else { return wrong(key, element, "an array of strings") }
      texts.append(text)
    }
    return texts
  }

  mutating func boolean(_ key: String) -> Bool? {
    guard let value = take(key) else { return nil }
    guard case .boolean(let flag) = value else { return wrong(key, value, "true or false") }
    return flag
  }

  mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = take(key) else { return nil }
    let wanted = "an integer from \(range.lowerBound) to \(range.upperBound)"
    guard case .integer(let number) = value, range.contains(number) else { return wrong(key, value, wanted) }
    return number
  }

  /// Integers are taken as numbers too.
  mutating func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
    guard let value = take(key) else { return nil }
    let wanted = "a number from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))"
    switch value {
    case .number(let number) where range.contains(number): return number
    case .integer(let number) where range.contains(Double(number)): return Double(number)
    default: return wrong(key, value, wanted)
    }
  }

  mutating func duration(_ key: String, in range: ClosedRange<Duration>) -> Duration? {
    guard let value = take(key) else { return nil }
    let wanted =
      "a time from \"\(DurationText.text(range.lowerBound))\" to \"\(DurationText.text(range.upperBound))\""
    guard case .string(let text) = value, let duration = DurationText.parse(text), range.contains(duration)
    else { return wrong(key, value, wanted) }
    return duration
  }

  /// Pairs `[low, high]`, each not empty.
  mutating func ranges(_ key: String) -> [ClosedRange<Double>]? {
    guard let value = take(key) else { return nil }
    let wanted = "an array of pairs [low, high] with low below high"
    guard case .array(let elements) = value else { return wrong(key, value, wanted) }
    var ranges: [ClosedRange<Double>] = []
    for element in elements {
      guard case .array(let pair) = element, pair.count == 2, let low = pair[0].number,
        let high = pair[1].number, low < high, (high - low).isFinite
      else { return wrong(key, element, wanted) }
      ranges.append(low...high)
    }
    return ranges
  }

  /// One of a few words.
  mutating func word<Word>(_ key: String, _ words: [(name: String, value: Word)]) -> Word? {
    guard let value = take(key) else { return nil }
    if case .string(let text) = value, let word = words.first(where: { $0.name == text }) {
      return word.value
    }
    return wrong(key, value, words.map { "\"\($0.name)\"" }.joined(separator: ", "), "takes")
  }

  /// A table that is somebody else's: any keys, any values but times.
  mutating func options(_ key: String) -> [String: FrameValue] {
    guard let value = take(key) else { return [:] }
    guard case .table = value, let options = value.frameValue?.object else {
      return wrong(key, value, "a table without dates and times") ?? [:]
    }
    return options
  }

  /// The reader of a table inside; an absent one reads as empty.
  mutating func table(_ key: String) -> TableReader {
    var inside: [String: ConfigurationValue] = [:]
    if let value = take(key) {
      if case .table(let table) = value {
        inside = table
      } else {
        let _: Int? = wrong(key, value, "a table")
      }
    }
    return TableReader(inside, path: path + [key], name: fullName(key), lines: lines, problems: problems)
  }

  /// The readers of an array of tables, `[[key]]`.
  mutating func tables(_ key: String) -> [TableReader] {
    guard let value = take(key) else { return [] }
    guard case .array(let elements) = value else {
      let _: Int? = wrong(key, value, "an array of tables, each beginning with [[\(fullName(key))]]")
      return []
    }
    return elements.enumerated().compactMap { index, element in
      guard case .table(let table) = element else { return wrong(key, element, "an array of tables") }
      return TableReader(
        table, path: path + [key, String(index)], name: fullName(key), lines: lines, problems: problems)
    }
  }

  /// Reports every key that nobody has asked for.
  func finish() {
    for key in values.keys.sorted() where !claimed.contains(key) {
      let nearest = claimed.map { ($0, Self.distance($0, key)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
      let hint =
        if let nearest, nearest.1 <= 2 { "is unknown; did you mean \(nearest.0)?" } else if claimed.isEmpty {
          "is unknown here"
        } else {
          "is unknown; known here: \(claimed.sorted().joined(separator: ", "))"
        }
      problem(key, hint)
    }
  }

  private mutating func take(_ key: String) -> ConfigurationValue? {
    claimed.insert(key)
    return values[key]
  }

  private func wrong<Value>(
    _ key: String, _ value: ConfigurationValue, _ wanted: String, _ verb: String = "must be"
  ) -> Value? {
    problem(key, "\(value.kind) is not allowed; it \(verb) \(wanted)")
    return nil
  }

  private func fullName(_ key: String?) -> String {
    guard let key else { return name }
    let text = String(key.prefix(80))
    return name.isEmpty ? text : "\(name).\(text)"
  }

  private static func text(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
  }

  /// Letters to add, remove or replace.
  private static func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a.utf8.prefix(64))
    let b = Array(b.utf8.prefix(64))
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var corner = row[0]
      row[0] = i + 1
      for (j, other) in b.enumerated() {
        let replaced = corner + (letter == other ? 0 : 1)
        corner = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, corner + 1)
      }
    }
    return row[b.count]
  }
}
