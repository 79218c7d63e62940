import Foundation

/// Seconds that are always the same, or drawn from an exponential distribution.
public struct DrawnSeconds: Codable, Equatable, Sendable {
  public var mean: Double
  public var isExponential: Bool

  /// - Parameter seconds: above 0.
  public static func fixed(_ seconds: Double) -> DrawnSeconds {
    DrawnSeconds(mean: seconds, isExponential: false)
  }

  public static func exponential(mean: Double) -> DrawnSeconds {
    DrawnSeconds(mean: mean, isExponential: true)
  }

  /// The longest time that a draw gives: no test lasts a day.
  private static let mostNanoseconds = 86_400e9

  /// The next time; a fixed one draws nothing.
  func nanoseconds(_ random: inout SplitMix64) -> UInt64 {
    let drawn = mean * 1e9 * (isExponential ? -log(1 - random.unit()) : 1)
    return drawn.isFinite ? UInt64(min(max(drawn, 1), Self.mostNanoseconds)) : 1
  }
}
