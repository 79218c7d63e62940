import MedullaModel

/// How far a snapshot's outputs are from its float network's.
package struct AccuracyReport: Hashable, Sendable, Codable {
  /// On the samples that scales and weights were chosen on.
  package let calibration: ErrorStatistics
  /// On the samples that were kept back.
  package let heldOut: ErrorStatistics
  /// On in-range inputs that were generated.
  package let generated: ErrorStatistics
  /// On calibration and held-out samples together.
  package let overall: ErrorStatistics
  /// The float network's smallest and largest value of each output over those samples.
  package let outputRanges: [FeatureRange]
  /// Where the error arises.
  package let steps: [StepAccuracy]

  /// - Throws: `badCalibration` when the samples do not fit the network.
  package init(
    _ snapshot: Snapshot, _ network: Network, _ calibration: Calibration
  ) throws(SnapshotError) {
    let split = CalibrationSplit(calibration, for: network)
    let comparison = Comparison(snapshot: snapshot, network: network, reference: FloatReference(network))
    let shown = try comparison.run(split.calibration)
    let kept = try comparison.run(split.heldOut)
    let made = try comparison.run(split.generated)
    outputRanges = Self.ranges(of: (shown + kept).map(\.float))
    let widths = outputRanges.map { $0.width > 0 ? $0.width : max(abs($0.low), 1e-9) }
    self.calibration = ErrorStatistics(errors: shown.map(\.errors), ranges: widths)
    heldOut = ErrorStatistics(errors: kept.map(\.errors), ranges: widths)
    generated = ErrorStatistics(errors: made.map(\.errors), ranges: widths)
    overall = ErrorStatistics(errors: (shown + kept).map(\.errors), ranges: widths)
    steps = try StepAccuracy.measure(
      snapshot, network, samples: Array((split.heldOut + split.calibration).prefix(StepAccuracy.sampleLimit)))
  }

  /// The larger mean error, as a part of the output's range, of calibration and held-out samples.
  package var worstMean: Double {
    max(calibration.meanRelative, heldOut.samples > 0 ? heldOut.meanRelative : generated.meanRelative)
  }

  /// Whether the mean error is at most `target` of the output's range on calibration and held-out samples.
  package func meets(_ target: Double) -> Bool { worstMean <= target }

  private static func ranges(of outputs: [[Float]]) -> [FeatureRange] {
    (outputs.first ?? []).indices.map { index in
      let values = outputs.map { Double($0[index]) }
      return FeatureRange(low: values.min() ?? 0, high: values.max() ?? 0)
    }
  }
}

/// Runs a float network and its snapshot on the same inputs.
private struct Comparison {
  let snapshot: Snapshot
  let network: Network
  let reference: FloatReference

  func run(_ samples: [[Float]]) throws(SnapshotError) -> [(float: [Float], errors: [Double])] {
    let interpreter = ReferenceInterpreter(snapshot)
    let unit = Double(sign: .plus, exponent: -snapshot.shape.outputFractionBits, significand: 1)
    var results: [(float: [Float], errors: [Double])] = []
    for sample in samples {
      let float = try network.finiteTrace(of: sample, by: reference).last ?? sample
      let integers = interpreter.run(features: interpreter.fixedPoint(sample))
      results.append((float, zip(float, integers).map { abs(Double($0) - Double($1) * unit) }))
    }
    return results
  }
}
