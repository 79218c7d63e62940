/// The numbers of one feature's entry: x = ((cut(f − low) · multiplier + bias) >> featureShift.
///
/// f − low is taken modulo 2⁶⁴ and compared without sign, so every 64-bit feature is cut correctly.
public struct FeatureScaling: Hashable, Sendable {
  /// The fixed-point feature that enters as the lowest activation.
  public let low: Int64
  /// The width of the range in fixed-point steps; features outside saturate.
  public let width: Int64
  public let multiplier: Int64
  public let bias: Int64

  public init(low: Int64, width: Int64, multiplier: Int64, bias: Int64) {
    self.low = low
    self.width = width
    self.multiplier = multiplier
    self.bias = bias
  }

  /// The activation of one feature.
  public func apply(_ feature: Int64, shift: Int) -> Int64 {
    var t = feature &- low
    if UInt64(bitPattern: t) > UInt64(width) { t = feature < low ? 0 : width }
    return (t * multiplier + bias) >> Int64(shift)
  }
}

/// The data of a dense or convolution step: one row of weights for each output channel.
public struct LinearParameters: Hashable, Sendable {
  /// `channels × fanIn`, row-major.
  public let weights: [Int32]
  /// In units of the sum; holds the layer's bias, the features' offset and the rounding half.
  public let bias: [Int64]
  /// v = (sum · multiplier) >> shift; positive.
  public let multipliers: [Int64]
  public let clip: ClosedRange<Int64>?

  public init(weights: [Int32], bias: [Int64], multipliers: [Int64], clip: ClosedRange<Int64>? = nil) {
    self.weights = weights
    self.bias = bias
    self.multipliers = multipliers
    self.clip = clip
  }
}

/// The data of a map step.
public struct MapParameters: Hashable, Sendable {
  public let bias: Int64
  public let multiplier: Int64
  public let clip: ClosedRange<Int64>?

  public init(bias: Int64, multiplier: Int64, clip: ClosedRange<Int64>? = nil) {
    self.bias = bias
    self.multiplier = multiplier
    self.clip = clip
  }
}

/// What a snapshot holds for one step of its shape.
public enum StepParameters: Hashable, Sendable {
  case linear(LinearParameters)
  case map(MapParameters)
  case softmax(multiplier: Int64)
  case none
}

/// All data of a snapshot, unpacked: what the reference interpreter reads.
public struct IntegerParameters: Hashable, Sendable {
  public let tables: [[TableEntry]]
  public let features: [FeatureScaling]
  public let steps: [StepParameters]

  public init(tables: [[TableEntry]], features: [FeatureScaling], steps: [StepParameters]) {
    self.tables = tables
    self.features = features
    self.steps = steps
  }
}
