extension ProgramShape {
  /// Features in the network's units as fixed point: rounded to nearest, cut to 64 bits. One that is not a
  /// number counts as 0.
  package func fixedPoint(_ features: [Float]) -> [Int64] {
    features.map { Self.fixedPoint(Double($0), fractionBits: featureFractionBits) }
  }

  /// Outputs in the network's units as fixed point, by the same rule.
  package func fixedPoint(outputs: [Double]) -> [Int64] {
    outputs.map { Self.fixedPoint($0, fractionBits: outputFractionBits) }
  }

  /// Fixed-point features in the network's units, as near as a float comes.
  package func values(ofFeatures words: [Int64]) -> [Float] {
    let unit = Double(sign: .plus, exponent: -featureFractionBits, significand: 1)
    return words.map { Float(Double($0) * unit) }
  }

  /// Fixed-point outputs in the network's units.
  package func values(ofOutputs words: [Int64]) -> [Double] {
    let unit = Double(sign: .plus, exponent: -outputFractionBits, significand: 1)
    return words.map { Double($0) * unit }
  }

  /// A number as fixed point: rounded to nearest, cut to 64 bits; 0 for one that is none.
  package static func fixedPoint(_ value: Double, fractionBits: Int) -> Int64 {
    let scaled = (value * Double(sign: .plus, exponent: fractionBits, significand: 1)).rounded()
    if scaled.isNaN { return 0 }
    return Int64(exactly: scaled) ?? (scaled < 0 ? Int64.min : Int64.max)
  }
}
