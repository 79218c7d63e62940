import MedullaDatapath

/// The samples of one interval T.
package struct Batch: Sendable, Equatable {
  package var samples: [FunctionSample]
  /// Samples that the kernel could not hand over since the batch before: its ring was full.
  package var dropped: UInt64
  /// Fraction bits of features and outputs in the samples.
  package var featureFractionBits: Int
  package var outputFractionBits: Int

  package init(
    samples: [FunctionSample] = [], dropped: UInt64 = 0, featureFractionBits: Int = 16,
    outputFractionBits: Int = 16
  ) {
    self.samples = samples
    self.dropped = dropped
    self.featureFractionBits = featureFractionBits
    self.outputFractionBits = outputFractionBits
  }

  /// The features in natural units, `[n][inputs]`.
  package var inputs: [[Float]] { samples.map { Self.natural($0.features, bits: featureFractionBits) } }

  /// The outputs in natural units, `[n][outputs]`.
  package var outputs: [[Float]] { samples.map { Self.natural($0.outputs, bits: outputFractionBits) } }

  static func natural(_ words: [Int64], bits: Int) -> [Float] {
    let unit = Double(sign: .plus, exponent: -bits, significand: 1)
    return words.map { Float(Double($0) * unit) }
  }
}
