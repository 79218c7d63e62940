import CYAML

/// One step of a YAML text.
struct YAMLEvent {
  enum Kind: Equatable {
    case documentStart
    case documentEnd
    case streamEnd
    case mappingStart
    case mappingEnd
    case sequenceStart
    case sequenceEnd
    /// - Parameter isPlain: written without quotes, so that its text decides what it is.
    case scalar(String, isPlain: Bool)
    case alias
  }

  let kind: Kind
  let position: TextPosition
  /// What another place of the document could refer to.
  let hasAnchor: Bool
  /// A type that is written out, such as `!!str`.
  let hasTag: Bool
}

/// The events of one YAML text, one after the other, by the system's libyaml.
///
/// Events come before anything is built from them, so whoever reads them decides how far to follow.
final class YAMLEvents {
  /// libyaml keeps the addresses of its state and of the text.
  private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
  private let bytes: UnsafeMutableBufferPointer<UInt8>

  init(_ text: String) {
    bytes = .allocate(capacity: text.utf8.count)
    _ = bytes.initialize(from: text.utf8)
    precondition(yaml_parser_initialize(parser) == 1, "there is no memory for a parser of YAML")
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    bytes.deallocate()
  }

  /// - Throws: what keeps the text from being YAML; after that there are no more events.
  func next() throws(ConfigurationProblem) -> YAMLEvent {
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
      defer { yaml_event_delete(&event) }
      if event.type == YAML_STREAM_START_EVENT { continue }
      return Self.event(event)
    }
  }

  private static func event(_ event: yaml_event_t) -> YAMLEvent {
    let kind: YAMLEvent.Kind
    var anchor: UnsafeMutablePointer<UInt8>?
    var tag: UnsafeMutablePointer<UInt8>?
    switch event.type {
    case YAML_DOCUMENT_START_EVENT: kind = .documentStart
    case YAML_DOCUMENT_END_EVENT: kind = .documentEnd
    case YAML_MAPPING_START_EVENT:
      (kind, anchor, tag) = (.mappingStart, event.data.mapping_start.anchor, event.data.mapping_start.tag)
    case YAML_MAPPING_END_EVENT: kind = .mappingEnd
    case YAML_SEQUENCE_START_EVENT:
      (kind, anchor, tag) = (.sequenceStart, event.data.sequence_start.anchor, event.data.sequence_start.tag)
    case YAML_SEQUENCE_END_EVENT: kind = .sequenceEnd
    case YAML_ALIAS_EVENT: kind = .alias
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let text = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      kind = .scalar(String(decoding: text, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
      (anchor, tag) = (scalar.anchor, scalar.tag)
    // Of a type that libyaml 0.2 does not have, nothing can be known but that the text ends here.
    default: kind = .streamEnd
    }
    return YAMLEvent(
      kind: kind, position: position(event.start_mark), hasAnchor: anchor != nil, hasTag: tag != nil)
  }

  private static func position(_ mark: yaml_mark_t) -> TextPosition {
    TextPosition(line: mark.line + 1, column: mark.column + 1)
  }

  private func problem() -> ConfigurationProblem {
    let state = parser.pointee
    var what = state.problem.map { String(cString: $0) } ?? "there is no memory to read it"
    guard state.error != YAML_READER_ERROR else {
      return ConfigurationProblem(
        position(ofByte: state.problem_offset),
        "not YAML: \(what)\(state.problem_value < 0 ? "" : ", number \(state.problem_value)"); "
          + "write it as an escape in double quotes")
    }
    if let context = state.context {
      what += " \(String(cString: context)) of line \(state.context_mark.line + 1)"
    }
    let position = Self.position(state.problem_mark)
    let hint = hint(at: state.problem_mark).map { "; \($0)" } ?? ""
    return ConfigurationProblem(position, "not YAML: \(what)\(hint)")
  }

  /// What mostly stands behind an error there.
  private func hint(at mark: yaml_mark_t) -> String? {
    // The mark counts characters, of which continuation bytes of UTF-8 begin none.
    var characters = mark.index
    let rest = bytes.drop { byte in
      guard byte & 0xC0 != 0x80 else { return true }
      characters -= 1
      return characters >= 0
    }
    switch rest.first {
    case UInt8(ascii: "\t"): return "indent with spaces"
    case UInt8(ascii: "@"), UInt8(ascii: "`"), UInt8(ascii: "%"): return "quote a text that begins like this"
    case UInt8(ascii: ":"): return "a key stands before a colon; quote a text that has one"
    default: return nil
    }
  }

  private func position(ofByte offset: Int) -> TextPosition {
    let before = bytes.prefix(offset)
    let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    // Characters, not bytes: continuation bytes of UTF-8 do not count.
    let column = before[lineStart...].count { $0 & 0xC0 != 0x80 }
    return TextPosition(line: before.count { $0 == UInt8(ascii: "\n") } + 1, column: column + 1)
  }
}
