/// A smooth function as straight segments between equally spaced knots, evaluated in integers.
///
/// A point is a *coordinate* v in 0…maximumCoordinate; v = 0 is `lowerBound` and each step is `step` wide.
/// With k = v >> fractionBits the value is `(intercept[k] + slope[k]·v) >> guardBits`: one load of a pair,
/// one multiply, one shift. Coordinates outside are clamped first, which is where the function is flat.
package struct FunctionTable: Hashable, Sendable {
  package enum Function: String, Hashable, Sendable, Codable {
    case tanh
    case sigmoid
    /// exp(−x) for x ≥ 0; the inside of softmax.
    case decay
  }

  package let function: Function
  /// A power of two.
  package let segments: Int
  package let fractionBits: Int
  /// Fraction bits of the stored line, dropped by the last shift.
  package let guardBits: Int
  /// The integer that stands for a function value of 1.
  package let amplitude: Int64
  /// Whether programs hold the lines above the middle alone, which then serve the other side too: to the bit,
  /// as `mirrors(_:)` tells.
  package let isHalved: Bool

  package init(
    function: Function, segments: Int, fractionBits: Int, guardBits: Int, amplitude: Int64,
    isHalved: Bool = false
  ) {
    self.function = function
    self.segments = segments
    self.fractionBits = fractionBits
    self.guardBits = guardBits
    self.amplitude = amplitude
    self.isHalved = isHalved
  }

  /// The same table, of which programs hold one half.
  package var halved: FunctionTable {
    FunctionTable(
      function: function, segments: segments, fractionBits: fractionBits, guardBits: guardBits,
      amplitude: amplitude, isHalved: true)
  }

  /// Lines that an image holds.
  package var heldLines: Int { isHalved ? segments / 2 : segments }

  /// The table whose lines use as many guard bits as 32-bit intercepts and slopes allow.
  package init(function: Function, amplitude: Int64, scheme: QuantizationScheme) {
    let coordinateBits = scheme.tableSegments.trailingZeroBitCount + scheme.tableFractionBits
    // An intercept is at most about four amplitudes; keep it below 2³⁰.
    let amplitudeBits = Int64.bitWidth - max(amplitude, 1).leadingZeroBitCount
    self.init(
      function: function, segments: scheme.tableSegments, fractionBits: scheme.tableFractionBits,
      guardBits: max(0, min(28 - amplitudeBits, 32 - coordinateBits)), amplitude: amplitude)
  }

  package var maximumCoordinate: Int64 { Int64(segments) << Int64(fractionBits) - 1 }

  /// The function's argument at coordinate 0.
  package var lowerBound: Double { function == .decay ? 0 : -halfWidth }

  /// The width of the argument interval that one coordinate covers.
  package var step: Double {
    (function == .decay ? halfWidth : 2 * halfWidth) / Double(Int64(segments) << Int64(fractionBits))
  }

  /// Where the function is within half a 16-bit step of flat: 1 − tanh 5.6 = 2.7e-5, 1 − σ(11) = 1.7e-5.
  private var halfWidth: Double {
    switch function {
    case .tanh: 5.6
    case .sigmoid: 11
    case .decay: 16
    }
  }
}

extension FunctionTable: Codable {
  private enum CodingKeys: String, CodingKey {
    case function, segments, fractionBits, guardBits, amplitude, isHalved
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      function: try values.decode(Function.self, forKey: .function),
      segments: try values.decode(Int.self, forKey: .segments),
      fractionBits: try values.decode(Int.self, forKey: .fractionBits),
      guardBits: try values.decode(Int.self, forKey: .guardBits),
      amplitude: try values.decode(Int64.self, forKey: .amplitude),
      isHalved: try values.decodeIfPresent(Bool.self, forKey: .isHalved) ?? false)
  }

  /// A whole table is written as it was before there were halves, so that such a snapshot keeps its bytes.
  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(function, forKey: .function)
    try values.encode(segments, forKey: .segments)
    try values.encode(fractionBits, forKey: .fractionBits)
    try values.encode(guardBits, forKey: .guardBits)
    try values.encode(amplitude, forKey: .amplitude)
    if isHalved { try values.encode(true, forKey: .isHalved) }
  }
}

/// One segment's line, in units of 2^−guardBits.
package struct TableEntry: Hashable, Sendable {
  package let intercept: Int32
  package let slope: Int32

  package init(intercept: Int32, slope: Int32) {
    self.intercept = intercept
    self.slope = slope
  }

  /// Intercept in the low half: little-endian memory then holds intercept, slope.
  package var word: Int64 {
    Int64(bitPattern: UInt64(UInt32(bitPattern: intercept)) | UInt64(UInt32(bitPattern: slope)) << 32)
  }

  package init(word: Int64) {
    let bits = UInt64(bitPattern: word)
    intercept = Int32(bitPattern: UInt32(truncatingIfNeeded: bits))
    slope = Int32(bitPattern: UInt32(truncatingIfNeeded: bits >> 32))
  }
}
