import MedullaBase
import MedullaFrames
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

  /// So much of a key is shown in errors.
  static let keyLimit = 80

  private let entries: [String: ConfigurationEntry]
  /// Where problems of the table itself are shown.
  private let position: TextPosition
  /// The keys that lead here, without indexes.
  private let name: String
  private let problems: Problems
  private var claimed: Set<String> = []

  init(
    _ entries: [String: ConfigurationEntry], at position: TextPosition, name: String = "", problems: Problems
  ) {
    self.entries = entries
    self.position = position
    self.name = name
    self.problems = problems
  }

  /// Reports a problem of a key, or of the table itself.
  func problem(_ key: String? = nil, _ message: String) {
    problem(key, at: key.flatMap { entries[$0]?.position } ?? position, message)
  }

  private func problem(_ key: String?, at position: TextPosition, _ message: String) {
    problems.add(ConfigurationProblem(position, key: fullName(key), message))
  }

  func has(_ key: String) -> Bool { entries[key] != nil }

  /// The text of a string, without claiming the key; nil for any other value.
  func probe(_ key: String) -> String? {
    guard case .string(let text)? = entries[key]?.node.value else { return nil }
    return text
  }

  mutating func string(_ key: String) -> String? {
    guard let node = take(key) else { return nil }
    guard case .string(let text) = node.value else { return wrong(key, node, "a string", isText: true) }
    guard !text.utf8.contains(0), text.utf8.count <= 4_096 else {
      problem(key, "takes at most 4096 bytes without zeros")
      return nil
    }
    return text
  }

  mutating func requiredString(_ key: String, example: String) -> String {
    if !has(key) { problem(nil, "needs the key \(key), such as \(key): \(example)") }
    let text = string(key)
    if text == "" { problem(key, "must not be empty") }
    return text ?? ""
  }

  mutating func strings(_ key: String) -> [String]? {
    guard let node = take(key) else { return nil }
    let wanted = "a list of strings"
    guard case .list(let elements) = node.value else { return wrong(key, node, wanted) }
    var texts: [String] = []
    for element in elements {
      guard case .string(let text) = element.value else { return wrong(key, element, wanted, isText: true) }
      texts.append(text)
    }
    return texts
  }

  mutating func boolean(_ key: String) -> Bool? {
    guard let node = take(key) else { return nil }
    guard case .boolean(let flag) = node.value else { return wrong(key, node, "true or false") }
    return flag
  }

  mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let node = take(key) else { return nil }
    let wanted = "an integer from \(range.lowerBound) to \(range.upperBound)"
    guard case .integer(let number) = node.value, range.contains(number) else {
      return wrong(key, node, wanted)
    }
    return number
  }

  /// Integers are taken as numbers too.
  mutating func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
    guard let node = take(key) else { return nil }
    let wanted = "a number from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))"
    switch node.value {
    case .number(let number) where range.contains(number): return number
    case .integer(let number) where range.contains(Double(number)): return Double(number)
    default: return wrong(key, node, wanted)
    }
  }

  mutating func duration(_ key: String, in range: ClosedRange<Duration>) -> Duration? {
    guard let node = take(key) else { return nil }
    let (least, most) = (DurationText.text(range.lowerBound), DurationText.text(range.upperBound))
    let wanted = "a time with its unit from \(least) to \(most)"
    guard case .string(let text) = node.value, let duration = try? Quantity.duration(text),
      range.contains(duration)
    else { return wrong(key, node, wanted) }
    return duration
  }

  /// Pairs `[low, high]`, each not empty.
  mutating func ranges(_ key: String) -> [ClosedRange<Double>]? {
    guard let node = take(key) else { return nil }
    let wanted = "a list of pairs [low, high] with low below high"
    guard case .list(let elements) = node.value else { return wrong(key, node, wanted) }
    var ranges: [ClosedRange<Double>] = []
    for element in elements {
      guard case .list(let pair) = element.value, pair.count == 2, let low = pair[0].number,
        let high = pair[1].number, low < high, (high - low).isFinite
      else { return wrong(key, element, wanted) }
      ranges.append(low...high)
    }
    return ranges
  }

  /// One of a few words.
  mutating func word<Word>(_ key: String, _ words: [(name: String, value: Word)]) -> Word? {
    guard let node = take(key) else { return nil }
    if case .string(let text) = node.value, let word = words.first(where: { $0.name == text }) {
      return word.value
    }
    return wrong(key, node, words.map(\.name).joined(separator: ", "), verb: "takes", isText: true)
  }

  /// A table that is somebody else's: any keys, any values that are certain.
  mutating func options(_ key: String) -> [String: FrameValue] {
    guard let node = take(key) else { return [:] }
    for word in node.doubtful {
      problem(key, at: word.position, "\(word.value.kind) is not allowed; quote it if it is meant as text")
    }
    guard case .table = node.value, let options = node.frameValue?.object else {
      return node.doubtful.isEmpty ? wrong(key, node, "a table") ?? [:] : [:]
    }
    return options
  }

  /// The reader of a table inside; an absent one reads as empty.
  mutating func table(_ key: String) -> TableReader {
    let node = take(key)
    let place = entries[key]?.position ?? position
    if case .table(let table)? = node?.value {
      return TableReader(table, at: place, name: fullName(key), problems: problems)
    }
    if let node { let _: Int? = wrong(key, node, "a table, its keys indented below") }
    return TableReader([:], at: place, name: fullName(key), problems: problems)
  }

  /// The readers of a list of tables.
  mutating func tables(_ key: String) -> [TableReader] {
    guard let node = take(key) else { return [] }
    let wanted = "a list of tables, each beginning with a dash"
    guard case .list(let elements) = node.value else { return wrong(key, node, wanted) ?? [] }
    return elements.compactMap { element in
      guard case .table(let table) = element.value else { return wrong(key, element, wanted) }
      return TableReader(table, at: element.position, name: fullName(key), problems: problems)
    }
  }

  /// Reports every key that nobody has asked for.
  func finish() {
    // In the order of the text, and no more of them than are told: each is compared with all known keys.
    let unknown = entries.filter { !claimed.contains($0.key) }
      .sorted { $0.value.keyPosition < $1.value.keyPosition }
    for (key, entry) in unknown.prefix(Problems.limit) {
      let nearest = claimed.map { ($0, Self.distance($0, key)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
      let hint =
        if let nearest, nearest.1 <= 2 { "is unknown; did you mean \(nearest.0)?" } else if claimed.isEmpty {
          "is unknown here"
        } else {
          "is unknown; known here: \(claimed.sorted().joined(separator: ", "))"
        }
      problem(key, at: entry.keyPosition, hint)
    }
  }

  private mutating func take(_ key: String) -> ConfigurationNode? {
    claimed.insert(key)
    return entries[key]?.node
  }

  /// Reports a value that is not what its key takes.
  ///
  /// - Parameter isText: whether quotes would make a number or a doubtful word what it takes.
  private func wrong<Value>(
    _ key: String, _ node: ConfigurationNode, _ wanted: String, verb: String = "must be", isText: Bool = false
  ) -> Value? {
    let hint =
      switch node.value {
      case .doubtful("", _), .string, .list, .table: ""
      default: isText ? "; quote it if it is meant as text" : ""
      }
    let place = node.value.isScalar ? node.position : entries[key]?.position ?? node.position
    problem(key, at: place, "\(node.value.kind) is not allowed; it \(verb) \(wanted)\(hint)")
    return nil
  }

  private func fullName(_ key: String?) -> String {
    guard let key else { return name }
    let text = String(key.prefix(Self.keyLimit))
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
