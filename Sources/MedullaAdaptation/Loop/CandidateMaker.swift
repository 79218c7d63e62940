import MedullaModel
import MedullaSnapshot

/// Makes a snapshot of a tuned network that fits the running program where it can.
package struct CandidateMaker: Sendable {
  package let start: StartNetwork
  /// Whether features keep the ranges of the running snapshot, beyond which they saturate, as a policy that
  /// was trained on cut features needs; else live inputs widen them.
  package let keepsRanges: Bool

  /// Samples of the start and of live traffic that a candidate is calibrated on, at the most each.
  static let sampleLimit = 768

  package init(_ start: StartNetwork, keepsRanges: Bool) {
    self.start = start
    self.keepsRanges = keepsRanges
  }

  /// A live input as the adapter and the calibration are to see it.
  package func shown(_ input: [Float]) -> [Float] { keepsRanges ? start.clipped(input) : input }

  /// - Parameters:
  ///   - live: inputs of live traffic (`shown`).
  ///   - running: the shape of the program that runs by now; nil: the start's.
  /// - Throws: `badAnswer` when the network has other sizes than the running one, and `SnapshotError`.
  package func make(
    _ network: Network, live: [[Float]], running: ProgramShape? = nil
  ) throws -> Candidate {
    let shape = running ?? start.shape
    guard network.inputShape.count == start.shape.inputs, network.outputShape.count == start.shape.outputs
    else {
      throw AdaptationError(
        .badAnswer,
        "the adapter's network takes \(network.inputShape.count) values to \(network.outputShape.count); the "
          + "running one \(start.shape.inputs) to \(start.shape.outputs)")
    }
    let samples = Self.thinned(start.calibration.samples) + Self.thinned(live)
    let calibration = Calibration(samples: samples, ranges: keepsRanges ? start.calibration.ranges : nil)
    var options = QuantizerOptions(
      scheme: start.shape.scheme, featureFractionBits: start.shape.featureFractionBits,
      outputFractionBits: start.shape.outputFractionBits, matching: shape, flows: shape.flows)
    do {
      return try candidate(network, calibration, options, running: shape)
    } catch let error as SnapshotError where [.shapeMismatch, .notProven].contains(error.code) {
      // Another architecture, or weights that do not fit the running program's packing: a program of its own.
      options.matching = nil
      return try candidate(network, calibration, options, running: shape)
    }
  }

  private func candidate(
    _ network: Network, _ calibration: Calibration, _ options: QuantizerOptions, running: ProgramShape
  ) throws -> Candidate {
    let snapshot = try Quantizer(options).quantize(network, calibration)
    let report = try AccuracyReport(snapshot, network, calibration)
    return Candidate(
      network: network, file: try SnapshotFile(snapshot), error: report.worstMean,
      matchesShape: snapshot.shape == running, samples: calibration.samples.count)
  }

  /// At most `sampleLimit` of them, evenly chosen.
  static func thinned(_ samples: [[Float]]) -> [[Float]] {
    guard samples.count > sampleLimit else { return samples }
    return (0..<sampleLimit).map { samples[$0 * samples.count / sampleLimit] }
  }
}
