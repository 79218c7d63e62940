/// Rates, times and sizes as people write them on a command line.
public enum Quantity {
  private static let rates: [(String, Double)] = [
    ("gbit/s", 1e9), ("mbit/s", 1e6), ("kbit/s", 1e3), ("bit/s", 1), ("gbit", 1e9), ("mbit", 1e6),
    ("kbit", 1e3),
    ("bit", 1),
  ]
  private static let times: [(String, Double)] = [("ms", 1e6), ("us", 1e3), ("ns", 1), ("s", 1e9)]
  private static let sizes: [(String, Double)] = [
    ("mib", 1_048_576), ("kib", 1024), ("mb", 1e6), ("kb", 1e3), ("b", 1), ("", 1),
  ]

  /// Bits per second: `12mbit`, `1gbit`, `500kbit/s`.
  public static func bitsPerSecond(_ text: String) throws -> Double {
    try read(text, rates, what: "rate", like: "12mbit, 1gbit or 500kbit")
  }

  /// Nanoseconds: `20ms`, `250us`, `1.5s`.
  public static func nanoseconds(_ text: String) throws -> UInt64 {
    let value = try read(text, times, what: "time", like: "20ms, 250us or 1.5s")
    guard value < 1e18 else { throw refusal(text, "time", "20ms, 250us or 1.5s") }
    return UInt64(value.rounded())
  }

  /// Bytes: `64000`, `64kB`, `1MiB`, or a multiple of the bandwidth-delay product: `2BDP`.
  public static func bufferBytes(_ text: String, bandwidthDelayBytes: Int?) throws -> Int {
    let lowered = text.lowercased()
    let value: Double
    if lowered.hasSuffix("bdp") {
      guard let bandwidthDelayBytes else {
        throw TestbedError(
          .badParameter, "A buffer of \(text) needs a rate.", remedy: "Give --rate or --trace, or bytes.")
      }
      value = try read(text, [("bdp", Double(bandwidthDelayBytes))], what: "buffer", like: "2BDP")
    } else {
      value = try read(text, sizes, what: "buffer", like: "64000, 64kB or 2BDP")
    }
    guard value >= 1, value <= Double(LinkLimits.heldBytes) else {
      throw TestbedError(
        .badParameter, "A buffer of \(text) is out of range.",
        remedy: "Use 1 to \(LinkLimits.heldBytes) bytes.")
    }
    return Int(value.rounded(.up))
  }

  /// A probability or share from 0 to 1.
  public static func probability(_ text: String) throws -> Double {
    guard let value = Double(text), (0...1).contains(value) else {
      throw refusal(text, "probability", "0.01; it is a number from 0 to 1")
    }
    return value
  }

  /// Loss in bursts: good to bad, bad to good, and, unless they are 1 and 0, the losses in each.
  public static func burstLoss(_ text: String) throws -> BurstLoss {
    let parts = try list(text).map(probability)
    guard (2...4).contains(parts.count), parts[1] > 0 else {
      throw refusal(text, "burst loss", "0.005,0.25 (good to bad, bad to good), or 0.005,0.25,0.9,0.001")
    }
    return BurstLoss(
      toBad: parts[0], toGood: parts[1], lossInBad: parts.count > 2 ? parts[2] : 1,
      lossInGood: parts.count > 3 ? parts[3] : 0)
  }

  /// Reordering: which share, and how much longer it travels.
  public static func reordering(_ text: String) throws -> Reordering {
    let parts = list(text)
    guard parts.count == 2 else { throw refusal(text, "reordering", "0.01,5ms (share, extra delay)") }
    return Reordering(share: try probability(parts[0]), extraNanoseconds: try nanoseconds(parts[1]))
  }

  private static func list(_ text: String) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }

  private static func read(
    _ text: String, _ units: [(String, Double)], what: String, like: String
  ) throws -> Double {
    let lowered = text.lowercased()
    for (unit, factor) in units where lowered.hasSuffix(unit) {
      guard let number = Double(lowered.dropLast(unit.count)) else { continue }
      guard number.isFinite, number >= 0 else { break }
      return number * factor
    }
    throw refusal(text, what, like)
  }

  private static func refusal(_ text: String, _ what: String, _ like: String) -> TestbedError {
    TestbedError(.badParameter, "`\(text)` is no \(what).", remedy: "Write it like \(like).")
  }
}
