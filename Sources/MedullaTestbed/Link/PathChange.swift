/// A change of a path as people write it: `10s rate=6mbit delay=40ms loss=0.02 buffer=1BDP`.
public struct PathChange: Equatable, Sendable {
  /// Seconds since the link's start.
  public var time: Double
  /// Of both directions.
  public var bitsPerSecond: Double?
  public var delayNanoseconds: UInt64?
  /// Towards the server.
  public var lossProbability: Double?
  private var buffer: String?

  /// - Throws: `badParameter` for a text that is none.
  public init(_ text: String) throws {
    let words = text.split(separator: " ")
    guard let first = words.first, words.count > 1 else { throw Self.refusal(text) }
    time = Double(try Quantity.nanoseconds(String(first))) / 1e9
    for word in words.dropFirst() {
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw Self.refusal(text) }
      switch parts[0] {
      case "rate": bitsPerSecond = try Quantity.bitsPerSecond(parts[1])
      case "delay": delayNanoseconds = try Quantity.nanoseconds(parts[1])
      case "loss":
        guard let value = Double(parts[1]), (0...1).contains(value) else { throw Self.refusal(text) }
        lossProbability = value
      case "buffer": buffer = parts[1]
      default: throw Self.refusal(text)
      }
    }
  }

  private static func refusal(_ text: String) -> TestbedError {
    TestbedError(
      .badParameter, "`\(text)` is no change of a link.",
      remedy: "Write it like `10s rate=6mbit delay=40ms loss=0.02 buffer=1BDP`; what is not named stays.")
  }

  /// The link after the change. A buffer that was so many bytes stays so.
  public func applied(to link: LinkConfiguration) throws -> LinkConfiguration {
    var link = link
    link.forward = try applied(to: link.forward)
    link.backward = try applied(to: link.backward)
    link.forward.lossProbability = lossProbability ?? link.forward.lossProbability
    return link
  }

  private func applied(to path: PathConfiguration) throws -> PathConfiguration {
    var path = path
    path.bitsPerSecond = bitsPerSecond ?? path.bitsPerSecond
    path.delayNanoseconds = delayNanoseconds ?? path.delayNanoseconds
    if let buffer {
      let product = path.bandwidthDelayBytes(roundTripNanoseconds: 2 * path.delayNanoseconds)
      path.bufferBytes = try Quantity.bufferBytes(buffer, bandwidthDelayBytes: product)
    }
    return path
  }
}
