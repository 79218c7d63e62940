/// A configuration's text as a tree in which everything has its place.
///
/// YAML has more than a configuration needs. Anchors, aliases and tags are refused when they come by, before
/// anything is built of them, so no short text becomes a large tree.
struct ConfigurationDocument {
  /// No configuration is as long.
  static let byteLimit = 1 << 20
  /// Tables and lists inside each other.
  static let depthLimit = 32

  let root: ConfigurationNode
  /// Keys that are given twice or are no words.
  let problems: [ConfigurationProblem]

  /// - Throws: the one problem that keeps the text from being read.
  init(_ text: String) throws(ConfigurationProblem) {
    guard text.utf8.count <= Self.byteLimit else {
      throw ConfigurationProblem(.start, "the file is larger than \(Self.byteLimit) bytes")
    }
    var builder = Builder(text)
    root = try builder.document()
    problems = builder.problems
  }

  private struct Builder {
    private let events: YAMLEvents
    private(set) var problems: [ConfigurationProblem] = []
    /// The keys around what is being read.
    private var path: [String] = []
    private var depth = 0

    init(_ text: String) { events = YAMLEvents(text) }

    mutating func document() throws(ConfigurationProblem) -> ConfigurationNode {
      let empty = ConfigurationNode(value: .table([:]), position: .start)
      guard try events.next().kind == .documentStart else { return empty }
      let root = try node(from: try events.next())
      _ = try events.next()
      let end = try events.next()
      guard end.kind == .streamEnd else {
        throw ConfigurationProblem(end.position, "a second document begins; a configuration is one")
      }
      if case .doubtful("", _) = root.value { return empty }
      return root
    }

    private mutating func node(from event: YAMLEvent) throws(ConfigurationProblem) -> ConfigurationNode {
      if event.kind == .alias || event.hasAnchor {
        throw problem(event, "anchors and aliases (&x, *x) are not read; write the value out each time")
      }
      if event.hasTag {
        throw problem(event, "tags (such as !!str) are not read; quote what is meant as text")
      }
      let value: ConfigurationValue
      switch event.kind {
      case .scalar(let text, let isPlain): value = isPlain ? PlainScalar.value(of: text) : .string(text)
      case .sequenceStart: value = .list(try elements(of: event))
      case .mappingStart: value = .table(try entries(of: event))
      default: throw problem(event, "a value is missing")
      }
      return ConfigurationNode(value: value, position: event.position)
    }

    private mutating func elements(of start: YAMLEvent) throws(ConfigurationProblem) -> [ConfigurationNode] {
      try enter(start)
      defer { depth -= 1 }
      var elements: [ConfigurationNode] = []
      while true {
        let event = try events.next()
        if event.kind == .sequenceEnd { return elements }
        elements.append(try node(from: event))
      }
    }

    private mutating func entries(
      of start: YAMLEvent
    ) throws(ConfigurationProblem) -> [String: ConfigurationEntry] {
      try enter(start)
      defer { depth -= 1 }
      var entries: [String: ConfigurationEntry] = [:]
      while true {
        let event = try events.next()
        if event.kind == .mappingEnd { return entries }
        let key = try key(from: event)
        path.append(key)
        defer { path.removeLast() }
        let entry = ConfigurationEntry(keyPosition: event.position, node: try node(from: try events.next()))
        if let first = entries[key] {
          problems.append(problem(event, "is given twice, first at \(first.keyPosition); leave one out"))
        } else {
          entries[key] = entry
        }
      }
    }

    private mutating func key(from event: YAMLEvent) throws(ConfigurationProblem) -> String {
      guard case .scalar(let text, let isPlain) = event.kind, !event.hasAnchor, !event.hasTag else {
        throw problem(event, "a key must be a word, without anchor and tag")
      }
      guard isPlain else { return text }
      if text.isEmpty { throw problem(event, "a key is missing before the colon") }
      switch PlainScalar.value(of: text) {
      case .string: break
      case let other:
        path.append(text)
        problems.append(problem(event, "\(other.kind) is no key, which must be a string; quote it"))
        path.removeLast()
      }
      return text
    }

    private mutating func enter(_ event: YAMLEvent) throws(ConfigurationProblem) {
      depth += 1
      if depth > ConfigurationDocument.depthLimit {
        throw problem(event, "tables and lists are nested deeper than \(ConfigurationDocument.depthLimit)")
      }
    }

    private func problem(_ event: YAMLEvent, _ message: String) -> ConfigurationProblem {
      let keys = path.map { String($0.prefix(TableReader.keyLimit)) }
      return ConfigurationProblem(event.position, key: keys.joined(separator: "."), message)
    }
  }
}
