import MedullaLearning
import MedullaModel
import MedullaSnapshot

/// A trained classifier as integers: its standardization is in the first layer, its cut in the entry.
package struct ClassifierSnapshot: Sendable {
  package let network: Network
  package let snapshot: Snapshot
  private let interpreter: ReferenceInterpreter

  /// - Parameters:
  ///   - classifier: takes standardized inputs.
  ///   - calibration: inputs as they are, not standardized.
  /// - Throws: `notProven` when no integers of it are proven.
  package init(
    _ classifier: DenseNetwork, _ standardization: Standardization, calibration: [[Float]],
    options: QuantizerOptions = QuantizerOptions()
  ) throws(RetrainingError) {
    let folded = try standardization.folded(into: classifier)
    do {
      network = try folded.network(name: "classifier")
      snapshot = try Quantizer(options).quantize(
        network, Calibration(samples: calibration, ranges: standardization.ranges))
    } catch {
      throw RetrainingError(
        .notProven, "the trained network has no integers", cause: "\(error)",
        remedy: "Train with a smaller bound on weights (largestWeight).")
    }
    interpreter = ReferenceInterpreter(snapshot)
  }

  /// The first of the largest outputs, as the kernel's classifier takes it.
  package static func largest<Number: Comparable>(_ outputs: [Number]) -> Int {
    outputs.indices.dropFirst().reduce(0) { outputs[$1] > outputs[$0] ? $1 : $0 }
  }

  /// The class that the kernel would give for inputs as they are.
  package func decide(_ row: [Float]) -> Int {
    Self.largest(interpreter.run(features: interpreter.fixedPoint(row)))
  }

  /// The class and its output's lead over the next, in the outputs' units.
  package func decideWithMargin(_ row: [Float]) -> (label: Int, margin: Double) {
    let outputs = interpreter.run(features: interpreter.fixedPoint(row))
    let best = Self.largest(outputs)
    let next = outputs.indices.filter { $0 != best }.map { outputs[$0] }.max() ?? outputs[best]
    let unit = Double(sign: .plus, exponent: snapshot.shape.outputFractionBits, significand: 1)
    return (best, Double(outputs[best] - next) / unit)
  }
}
