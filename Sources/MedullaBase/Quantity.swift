/// Why a text is no rate, time or size.
package enum QuantityErrorCode: String, Sendable {
  /// It is not a number with a unit of its kind.
  case unreadable
  /// It is one, and too small or too large.
  case outOfRange
  /// It is a multiple of something that is not known here.
  case relative
}

package typealias QuantityError = CodedError<QuantityErrorCode>

/// Rates, times and sizes as people write them: `48mbit`, `10m`, `64kB`, `2BDP`.
///
/// A number in decimal digits, then a unit in upper or lower case; a space may stand between them.
package enum Quantity {
  typealias Unit = (name: String, factor: Double)

  private static let rates: [Unit] = [
    ("gbit/s", 1e9), ("mbit/s", 1e6), ("kbit/s", 1e3), ("bit/s", 1), ("gbit", 1e9), ("mbit", 1e6),
    ("kbit", 1e3), ("bit", 1),
  ]
  /// In nanoseconds, shortest first.
  static let times: [Unit] = [
    ("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3_600e9), ("d", 86_400e9),
  ]
  private static let sizes: [Unit] = [
    ("", 1), ("b", 1), ("kb", 1e3), ("mb", 1e6), ("gb", 1e9), ("kib", 1024), ("mib", 1_048_576),
    ("gib", 1_073_741_824),
  ]
  /// The longest time that is taken: a hundred years.
  private static let longestNanoseconds = 36_525 * 86_400e9
  private static let longestText = 32

  /// Bits per second: `12mbit`, `1gbit`, `500kbit/s`.
  package static func bitsPerSecond(_ text: String) throws(QuantityError) -> Double {
    try read(text, rates, what: "rate", like: "12mbit, 1gbit or 500kbit")
  }

  /// Nanoseconds: `20ms`, `250us`, `1.5s`, `10m`.
  package static func nanoseconds(_ text: String) throws(QuantityError) -> UInt64 {
    let value = try read(text, times, what: "time", like: "20ms, 1.5s or 10m").rounded()
    guard value <= longestNanoseconds else {
      throw QuantityError(.outOfRange, "`\(text)` is too long a time", remedy: "use at most a hundred years")
    }
    return UInt64(value)
  }

  /// The same as a duration.
  package static func duration(_ text: String) throws(QuantityError) -> Duration {
    .nanoseconds(Int64(try nanoseconds(text)))
  }

  /// Bytes: `64000`, `64kB`, `1MiB`, or a multiple of the bandwidth-delay product: `2BDP`.
  ///
  /// - Parameter bandwidthDelayBytes: nil where there is no path, so that a multiple is refused.
  package static func bytes(
    _ text: String, bandwidthDelayBytes: Int? = nil, in range: ClosedRange<Int>
  ) throws(QuantityError) -> Int {
    let value: Double
    if text.lowercased().hasSuffix("bdp") {
      guard let bandwidthDelayBytes else {
        throw QuantityError(
          .relative, "a size of \(text) needs a rate and a round trip", remedy: "give them, or give bytes")
      }
      value = try read(text, [("bdp", Double(bandwidthDelayBytes))], what: "size", like: "2BDP")
    } else {
      value = try read(text, sizes, what: "size", like: "64000, 64kB or 2BDP")
    }
    guard value >= Double(range.lowerBound), value <= Double(range.upperBound) else {
      throw QuantityError(
        .outOfRange, "a size of \(text) is out of range",
        remedy: "use \(range.lowerBound) to \(range.upperBound) bytes")
    }
    return Int(value.rounded(.up))
  }

  /// A probability or share from 0 to 1.
  package static func probability(_ text: String) throws(QuantityError) -> Double {
    guard let value = Double(text), (0...1).contains(value) else {
      throw refusal(text, "probability", "0.01; it is a number from 0 to 1")
    }
    return value
  }

  /// That a text is not what it should be, with an example of what would.
  package static func refusal(_ text: String, _ what: String, _ like: String) -> QuantityError {
    QuantityError(.unreadable, "`\(text.prefix(longestText))` is no \(what)", remedy: "write it like \(like)")
  }

  private static func read(
    _ text: String, _ units: [Unit], what: String, like: String
  ) throws(QuantityError) -> Double {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let name = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
    guard text.utf8.count <= longestText, let number = Double(digits), number.isFinite,
      let unit = units.first(where: { $0.name == name })
    else { throw refusal(text, what, like) }
    return number * unit.factor
  }
}
