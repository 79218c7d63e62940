/// Cuts what a process writes to its standard output and error into lines, and keeps their end. A value.
struct ChildOutput: Sendable, Equatable {
  /// Lines passed on in one call, so that a chatty process cannot flood the log.
  static let linesPerCall = 200
  static let lineBytes = 4096
  /// Lines kept for the report of a failure.
  static let keptLines = 40

  private var partial: [UInt8] = []
  private(set) var tail: [String] = []
  private var passedOn = 0
  private var suppressed = 0

  /// A new call begins: the lines to log about what was left out since the last one.
  mutating func begin() -> [String] {
    defer { (passedOn, suppressed) = (0, 0) }
    return suppressed > 0 ? ["(\(suppressed) more lines were left out)"] : []
  }

  /// Takes bytes in any pieces; the lines to log.
  mutating func append(_ bytes: some Sequence<UInt8>) -> [String] {
    var lines: [String] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") || partial.count >= Self.lineBytes { finish(&lines) }
      if byte != UInt8(ascii: "\n") { partial.append(byte) }
    }
    return lines
  }

  /// The process has ended: its last line may have no newline.
  mutating func end() -> [String] {
    var lines: [String] = []
    if !partial.isEmpty { finish(&lines) }
    return lines
  }

  private mutating func finish(_ lines: inout [String]) {
    // Control characters would reach somebody's terminal.
    let text = String(decoding: partial, as: UTF8.self).unicodeScalars
      .map { $0.value < 0x20 && $0 != "\t" || $0.value == 0x7F ? "?" : String($0) }.joined()
    partial.removeAll(keepingCapacity: true)
    tail.append(text)
    if tail.count > Self.keptLines { tail.removeFirst() }
    if passedOn < Self.linesPerCall {
      passedOn += 1
      lines.append(text)
    } else {
      suppressed += 1
    }
  }
}
