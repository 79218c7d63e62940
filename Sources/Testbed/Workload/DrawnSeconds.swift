import Foundation
import MedullaBase

/// Seconds that are always the same, or drawn from an exponential distribution.
package struct DrawnSeconds: Codable, Equatable, Sendable {
  package var mean: Double
  package var isExponential: Bool

  /// - Parameter seconds: above 0.
  package static func fixed(_ seconds: Double) -> DrawnSeconds {
    DrawnSeconds(mean: seconds, isExponential: false)
  }

  package static func exponential(mean: Double) -> DrawnSeconds {
    DrawnSeconds(mean: mean, isExponential: true)
  }

  /// The longest time that a draw gives: no test lasts a day.
  private static let mostNanoseconds = 86_400e9

  /// The next time; a fixed one draws nothing.
  func nanoseconds(_ random: inout SeededGenerator) -> UInt64 {
    let drawn = mean * 1e9 * (isExponential ? -log(1 - random.unit()) : 1)
    return drawn.isFinite ? UInt64(min(max(drawn, 1), Self.mostNanoseconds)) : 1
  }
}
