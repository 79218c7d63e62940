import Glibc

/// A small, fast generator whose whole sequence follows from its seed (xoshiro256++, seeded by SplitMix64;
/// Blackman and Vigna, 2019).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  @usableFromInline var state: (UInt64, UInt64, UInt64, UInt64)

  package init(seed: UInt64) {
    var mixer = seed
    func next() -> UInt64 {
      mixer &+= 0x9E37_79B9_7F4A_7C15
      var z = mixer
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    state = (next(), next(), next(), next())
  }

  @inlinable @inline(__always)
  package mutating func next() -> UInt64 {
    let sum = state.0 &+ state.3
    let result = ((sum << 23) | (sum >> 41)) &+ state.0
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = (state.3 << 45) | (state.3 >> 19)
    return result
  }

  /// Uniform in [0, 1).
  @inlinable @inline(__always)
  package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in `range`.
  package mutating func uniform(_ range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * unit()
  }

  /// Uniform in the logarithm over `range`, whose bounds are positive.
  package mutating func logUniform(_ range: ClosedRange<Double>) -> Double {
    exp(uniform(log(range.lowerBound)...log(range.upperBound)))
  }

  /// Exponential with the given mean.
  package mutating func exponential(mean: Double) -> Double { -mean * log(1 - unit()) }

  /// Standard normal (Box and Muller; the second value is not kept, so that a draw never depends on parity).
  package mutating func normal() -> Double {
    (-2 * log(1 - unit())).squareRoot() * cos(2 * Double.pi * unit())
  }

  /// The number of trials before the first success, each with probability `probability` in (0, 1].
  package mutating func geometric(probability: Double) -> Int {
    guard probability < 1 else { return 0 }
    return Int(min(log(1 - unit()) / log(1 - probability), 1e15))
  }

  package mutating func chance(_ probability: Double) -> Bool { unit() < probability }
}
