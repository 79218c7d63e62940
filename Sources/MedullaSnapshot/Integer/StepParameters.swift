/// The numbers of one feature's entry: x = ((cut(f − low) · multiplier + bias) >> featureShift.
///
/// f − low is taken modulo 2⁶⁴ and compared without sign, so every 64-bit feature is cut correctly.
package struct FeatureScaling: Hashable, Sendable {
  /// The fixed-point feature that enters as the lowest activation.
  package let low: Int64
  /// The width of the range in fixed-point steps; features outside saturate.
  package let width: Int64
  package let multiplier: Int64
  package let bias: Int64

  package init(low: Int64, width: Int64, multiplier: Int64, bias: Int64) {
    self.low = low
    self.width = width
    self.multiplier = multiplier
    self.bias = bias
  }

  /// The activation of one feature.
  package func apply(_ feature: Int64, shift: Int) -> Int64 {
    var t = feature &- low
    if UInt64(bitPattern: t) > UInt64(width) { t = feature < low ? 0 : width }
    return (t * multiplier + bias) >> Int64(shift)
  }
}

/// The data of a dense or convolution step: one row of weights for each output channel.
package struct LinearParameters: Hashable, Sendable {
  /// `channels × fanIn`, row-major.
  package let weights: [Int32]
  /// In units of the sum; holds the layer's bias, the features' offset and the rounding half.
  package let bias: [Int64]
  /// v = (sum · multiplier) >> shift; positive.
  package let multipliers: [Int64]
  package let clip: ClosedRange<Int64>?

  package init(weights: [Int32], bias: [Int64], multipliers: [Int64], clip: ClosedRange<Int64>? = nil) {
    self.weights = weights
    self.bias = bias
    self.multipliers = multipliers
    self.clip = clip
  }
}

/// The data of a map step.
package struct MapParameters: Hashable, Sendable {
  package let bias: Int64
  package let multiplier: Int64
  package let clip: ClosedRange<Int64>?

  package init(bias: Int64, multiplier: Int64, clip: ClosedRange<Int64>? = nil) {
    self.bias = bias
    self.multiplier = multiplier
    self.clip = clip
  }
}

/// What a snapshot holds for one step of its shape.
package enum StepParameters: Hashable, Sendable {
  case linear(LinearParameters)
  case map(MapParameters)
  case softmax(multiplier: Int64)
  case none
}

/// All data of a snapshot, unpacked: what the reference interpreter reads.
package struct IntegerParameters: Hashable, Sendable {
  package let tables: [[TableEntry]]
  package let features: [FeatureScaling]
  package let steps: [StepParameters]

  package init(tables: [[TableEntry]], features: [FeatureScaling], steps: [StepParameters]) {
    self.tables = tables
    self.features = features
    self.steps = steps
  }
}
