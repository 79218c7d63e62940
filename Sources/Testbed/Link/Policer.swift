/// A rate that a path lets through and no more, without a queue: what comes too early is lost.
package struct Policing: Codable, Equatable, Sendable {
  /// Rate of IP packets.
  package var bitsPerSecond: Double
  /// Bytes that may pass at once after a pause.
  package var burstBytes: Int

  package init(bitsPerSecond: Double, burstBytes: Int) {
    (self.bitsPerSecond, self.burstBytes) = (bitsPerSecond, burstBytes)
  }

  var isValid: Bool {
    (1_000...100e9).contains(bitsPerSecond) && (1...LinkLimits.heldBytes).contains(burstBytes)
  }
}

/// The bucket of tokens that a policer takes a packet's bytes from (RFC 2697's bucket of committed bytes). It
/// begins full, fills at the rate up to the burst, and is left as it is by a packet that finds too few.
struct TokenBucket: Equatable {
  /// Bits that flow in a nanosecond at 1 bit/s are billionths: in this unit whole numbers stay exact.
  private static let unitsPerByte = 8e9

  private var policing: Policing
  private var units: Double
  private var filledUntil: UInt64

  init(_ policing: Policing, at time: UInt64) {
    self.policing = policing
    units = Double(policing.burstBytes) * Self.unitsPerByte
    filledUntil = time
  }

  /// Whether a packet of `bytes` that comes at `time` passes.
  @inline(__always)
  mutating func take(_ bytes: Int, at time: UInt64) -> Bool {
    fill(until: time)
    let price = Double(bytes) * Self.unitsPerByte
    guard price <= units else { return false }
    units -= price
    return true
  }

  /// Follows another rate and burst; tokens beyond the burst are lost.
  mutating func change(_ policing: Policing, at time: UInt64) {
    fill(until: time)
    self.policing = policing
    units = min(units, Double(policing.burstBytes) * Self.unitsPerByte)
  }

  private mutating func fill(until time: UInt64) {
    units = min(
      Double(policing.burstBytes) * Self.unitsPerByte,
      units + Double(time &- filledUntil) * policing.bitsPerSecond)
    filledUntil = time
  }
}
