import Foundation
import MedullaModel
import MedullaSnapshot

/// What the slow path begins with: the float network of the snapshot that runs, and what was known of its
/// inputs and outputs when it was compiled.
package struct StartNetwork: Sendable {
  package let network: Network
  /// Samples and the range of each feature.
  package let calibration: Calibration
  /// Of the program that runs: a candidate that matches it is an update of data only.
  package let shape: ProgramShape
  /// O_min...O_max of each output over the calibration samples.
  package let outputs: [ClosedRange<Double>]

  /// From a bundle: its `model.onnx`, its `calibration.npy`, and the accuracy report that both give.
  ///
  /// - Throws: `badSettings` when the bundle has no calibration samples; `ModelError` and `SnapshotError`.
  package init(bundle: SnapshotBundle) throws {
    let network = try ONNXReader.read(contentsOf: bundle.modelPath)
    guard FileManager.default.fileExists(atPath: bundle.calibrationPath) else {
      throw AdaptationError(
        .badSettings, "\(bundle.path) has no calibration samples, which candidates are quantized by",
        remedy: "compile it with --calibration FILE")
    }
    let samples = try SampleFile.read(bundle.calibrationPath, elements: network.inputShape.count)
    try self.init(network: network, samples: samples, shape: bundle.snapshot.shape)
  }

  /// - Parameter shape: of the running program.
  /// - Throws: `badSettings` when there are no samples or the shape has other sizes than the network.
  package init(network: Network, samples: [[Float]], shape: ProgramShape) throws {
    guard let first = samples.first, samples.allSatisfy({ $0.count == network.inputShape.count }) else {
      throw AdaptationError(
        .badSettings, "there are no calibration samples of \(network.inputShape.count) features")
    }
    guard shape.inputs == network.inputShape.count, shape.outputs == network.outputShape.count else {
      throw AdaptationError(.badSettings, "the running program has other sizes than network \(network.name)")
    }
    var ranges = first.map { FeatureRange(low: Double($0), high: Double($0)) }
    for sample in samples {
      for (index, value) in sample.enumerated() {
        let range = ranges[index]
        ranges[index] = FeatureRange(low: min(range.low, Double(value)), high: max(range.high, Double(value)))
      }
    }
    self.network = network
    calibration = Calibration(samples: samples, ranges: ranges)
    self.shape = shape
    let reference = FloatReference(network)
    var outputs: [ClosedRange<Double>] = []
    let step = max(1, samples.count / 2_048)
    for index in stride(from: 0, to: samples.count, by: step) {
      let values = try reference.run(samples[index]).map { Double($0)...Double($0) }
      outputs =
        outputs.isEmpty
        ? values
        : zip(outputs, values).map {
          min($0.lowerBound, $1.lowerBound)...max($0.upperBound, $1.upperBound)
        }
    }
    self.outputs = outputs.map { $0.upperBound > $0.lowerBound ? $0 : $0.lowerBound...($0.lowerBound + 1e-9) }
  }

  /// An input cut to the ranges that the running snapshot tells apart: beyond them its features saturate.
  package func clipped(_ input: [Float]) -> [Float] {
    guard let ranges = calibration.ranges, ranges.count == input.count else { return input }
    return zip(input, ranges).map { value, range in
      value.isFinite ? min(max(value, Float(range.low)), Float(range.high)) : 0
    }
  }
}
