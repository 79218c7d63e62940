import MedullaDatapath

/// The samples of one interval T.
public struct Batch: Sendable, Equatable {
  public var samples: [FunctionSample]
  /// Samples that the kernel could not hand over since the batch before: its ring was full.
  public var dropped: UInt64
  /// Fraction bits of features and outputs in the samples.
  public var featureFractionBits: Int
  public var outputFractionBits: Int

  public init(
    samples: [FunctionSample] = [], dropped: UInt64 = 0, featureFractionBits: Int = 16,
    outputFractionBits: Int = 16
  ) {
    self.samples = samples
    self.dropped = dropped
    self.featureFractionBits = featureFractionBits
    self.outputFractionBits = outputFractionBits
  }

  /// The features in natural units, `[n][inputs]`.
  public var inputs: [[Float]] { samples.map { Self.natural($0.features, bits: featureFractionBits) } }

  /// The outputs in natural units, `[n][outputs]`.
  public var outputs: [[Float]] { samples.map { Self.natural($0.outputs, bits: outputFractionBits) } }

  static func natural(_ words: [Int64], bits: Int) -> [Float] {
    let unit = Double(sign: .plus, exponent: -bits, significand: 1)
    return words.map { Float(Double($0) * unit) }
  }
}
