/// How many sums one 64-bit multiply-accumulate carries.
package enum Packing: String, Hashable, Sendable, Codable, CaseIterable {
  /// One sum in 64 bits.
  case single
  /// `high·2³² + low`: two sums, each proven to fit 32 bits.
  case pair
  /// Three sums in lanes of 21 bits, each proven to fit without its bias: for activations of up to 10 bits
  /// and at most `largestTriple` terms.
  case triple

  package var lanes: Int {
    switch self {
    case .single: 1
    case .pair: 2
    case .triple: 3
    }
  }

  /// Bits of one lane, including the sign.
  package var laneBits: Int {
    switch self {
    case .single: 64
    case .pair: 32
    case .triple: 21
    }
  }

  /// Accumulators that are summed side by side; four keep every value of the inner loop in a register.
  package static let accumulators = 4

  /// Terms that a 21-bit lane takes whatever the weights at 8 bits: 64 · 127 · 127 < 2²⁰. At 10 bits the
  /// actual weights decide: Σ|w| · 511 < 2²⁰.
  package static let largestTriple = 64
}
