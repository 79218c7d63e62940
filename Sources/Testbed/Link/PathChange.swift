import MedullaBase

/// A change of a link as people write it: `10s rate=6mbit delay=40ms loss=0.02 return-buffer=1BDP`.
package struct PathChange: Sendable {
  /// Seconds since the link's start.
  package var time: Double
  private var settings = LinkSettings()

  /// - Throws: `badParameter` for a text that is none.
  package init(_ text: String) throws {
    let words = text.split(separator: " ")
    guard let first = words.first, words.count > 1 else { throw Self.refusal(text) }
    time = Double(try Quantity.nanoseconds(String(first))) / 1e9
    for word in words.dropFirst() {
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      // A trace is read before the link starts: the packets cannot wait for it.
      guard parts.count == 2, !parts[0].hasSuffix(LinkSettings.Key.trace.rawValue),
        try settings.set(parts[0], to: parts[1])
      else { throw Self.refusal(text) }
    }
  }

  private static func refusal(_ text: String) -> TestbedError {
    let names = LinkSettings.Key.allCases.filter { $0 != .trace }.map(\.rawValue).joined(separator: ", ")
    return TestbedError(
      .badParameter, "`\(text)` is no change of a link.",
      remedy: "Write it like `10s rate=6mbit loss=0.02 return-delay=40ms`; it can name \(names).")
  }

  /// The link after the change; what it does not name stays. A constant rate ends a trace.
  package func applied(to link: LinkConfiguration) throws -> LinkConfiguration {
    try settings.applied(to: link)
  }
}
