import MedullaModel

/// How features enter: the ranges that are told apart and the integers they become.
struct FeatureEntry {
  let scalings: [FeatureScaling]
  let ranges: [FeatureRange]
  let format: TensorFormat

  /// - Parameter separate: a range of its own for each feature, centred on it; otherwise one symmetric range
  ///   for all, so that 0 enters as 0 and any layer can take the tensor.
  init(ranges wanted: [FeatureRange], separate: Bool, options: QuantizerOptions) throws(SnapshotError) {
    let wide = separate ? wanted : [FeatureRange](repeating: Self.symmetric(wanted), count: wanted.count)
    var scalings: [FeatureScaling] = []
    var ranges: [FeatureRange] = []
    var scales: [Double] = []
    var zeros: [Double] = []
    let unit = Double(sign: .plus, exponent: -options.featureFractionBits, significand: 1)
    let limit = options.scheme.activationLimit
    let shift = Int64(ProgramShape.standardFeatureShift)
    for (feature, range) in wide.enumerated() {
      let low = (range.low / unit).rounded(.down)
      let high = (range.high / unit).rounded(.up)
      guard abs(low) < Self.widest, abs(high) < Self.widest else {
        throw SnapshotError(
          .badCalibration,
          "feature \(feature) ranges over \(range.low) to \(range.high), too wide for "
            + "\(options.featureFractionBits) fraction bits",
          remedy: "Use fewer feature fraction bits, or give a narrower range.")
      }
      let center = Int64(((low + high) / 2).rounded())
      let half = max(Int64((high - low) / 2) + 1, Self.narrowest)
      let width = 2 * half
      let multiplier = (2 * limit) << shift / width
      scalings.append(
        FeatureScaling(
          low: center - half, width: width, multiplier: multiplier, bias: 1 << (shift - 1) - limit << shift))
      let scale = Double(Int64(1) << shift) / Double(multiplier) * unit
      let zero = Double(center - half) * unit + Double(limit) * scale
      scales.append(scale)
      zeros.append(separate ? zero : 0)
      ranges.append(
        FeatureRange(low: Double(center - half) * unit, high: Double(center + half) * unit))
    }
    self.scalings = scalings
    self.ranges = ranges
    format = separate ? .perElement(scales: scales, zeros: zeros) : .uniform(scale: scales.first ?? unit)
  }

  /// Ranges reach to ±2⁴⁰ fixed-point steps, so that the multiplier keeps 16 bits.
  private static let widest = 0x1p40
  /// Half the narrowest range, in fixed-point steps: a feature that never changed still has one.
  private static let narrowest: Int64 = 8

  private static func symmetric(_ ranges: [FeatureRange]) -> FeatureRange {
    let reach = ranges.reduce(0) { max($0, abs($1.low), abs($1.high)) }
    return FeatureRange(low: -reach, high: reach)
  }

  /// The ranges that samples show, widened by the options' headroom; ranges that were given stay.
  static func ranges(
    of calibration: Calibration, shown samples: [[Float]], options: QuantizerOptions
  ) -> [FeatureRange] {
    if let given = calibration.ranges { return given }
    return (samples.first ?? []).indices.map { feature in
      let seen = Quantiles(samples.map { Double($0[feature]) })
      let low = seen.value(at: 100 - options.percentile)
      let high = seen.value(at: options.percentile)
      // A feature that hardly moves in calibration may move a little in life.
      let width = max(high - low, 0.01 * max(abs(low), abs(high)))
      return FeatureRange(low: low - options.headroom * width, high: high + options.headroom * width)
    }
  }
}

/// Order statistics of a set of values.
struct Quantiles {
  private let sorted: [Double]

  init(_ values: [Double]) {
    sorted = values.sorted()
  }

  /// The value below which `percent` of the values lie; the nearest rank.
  func value(at percent: Double) -> Double {
    guard let last = sorted.indices.last else { return 0 }
    return sorted[min(last, max(0, Int((Double(last) * percent / 100).rounded())))]
  }
}
