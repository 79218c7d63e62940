import Foundation

/// The last lines that a library logged, for the error that follows: it does not write to our streams itself.
final class EngineMessages: @unchecked Sendable {
  static let lineLimit = 32
  static let lengthLimit = 1_024

  private let lock = NSLock()
  private var lines: [String] = []

  func add(_ line: String) {
    lock.withLock {
      if lines.count == Self.lineLimit { lines.removeFirst() }
      lines.append(String(line.prefix(Self.lengthLimit)))
    }
  }

  /// All lines since it was last asked.
  func take() -> String {
    lock.withLock {
      defer { lines.removeAll() }
      return lines.joined(separator: "\n")
    }
  }
}
