import InferenceCases
import MedullaModel
import MedullaRuntime
import MedullaSnapshot

/// Holds any runtime to what it promises, on one case of the inference suite.
package struct RuntimeConformance {
  private let runtime: any Runtime
  private let example: InferenceCase

  package init(_ runtime: any Runtime, _ example: InferenceCase) {
    self.runtime = runtime
    self.example = example
  }

  /// What the runtime does otherwise than it promises, a sentence each; empty when all is well.
  package func breaches() throws -> [String] {
    let file = try SnapshotFile(example.snapshot)
    let loaded = try runtime.load(CompiledNetwork(file, network: example.network))
    return switch runtime.promise {
    case .exact: try breachesOfBits(loaded)
    case .float(let part): try breachesOfBound(loaded, part: part)
    }
  }

  /// In one batch, one row alone, and in the network's units.
  private func breachesOfBits(_ loaded: any LoadedNetwork) throws -> [String] {
    var breaches: [String] = []
    let (expected, shape) = (example.expected, example.snapshot.shape)
    let outputs = try loaded.run(words: example.inputs)
    if outputs.count != expected.count { breaches.append("\(outputs.count) rows for \(expected.count)") }
    for (row, (given, wanted)) in zip(outputs, expected).enumerated() where given != wanted {
      breaches.append("row \(row) of a batch is \(given), not \(wanted)")
    }
    for (row, input) in example.inputs.prefix(3).enumerated() {
      let alone = try loaded.run(words: [input])
      if alone != [expected[row]] { breaches.append("row \(row) alone is \(alone), not \(expected[row])") }
    }
    let values = try loaded.run(values: example.samples)
    let interpreter = ReferenceInterpreter(example.snapshot)
    for (sample, given) in zip(example.samples, values) {
      let wanted = shape.values(ofOutputs: interpreter.run(features: interpreter.fixedPoint(sample)))
      if given != wanted { breaches.append("\(sample) gives \(given), not \(wanted)") }
    }
    if try !loaded.run(words: []).isEmpty { breaches.append("an empty batch has outputs") }
    return breaches
  }

  /// Against the float network, and the integer one against both within what its report states.
  private func breachesOfBound(_ loaded: any LoadedNetwork, part: Double) throws -> [String] {
    var breaches: [String] = []
    let report = try AccuracyReport(
      example.snapshot, example.network, Calibration(samples: example.samples))
    let reference = FloatReference(example.network)
    let interpreter = ReferenceInterpreter(example.snapshot)
    let outputs = try loaded.run(values: example.samples)
    for (sample, given) in zip(example.samples, outputs) {
      let float = try reference.run(sample)
      let integer = example.snapshot.shape.values(
        ofOutputs: interpreter.run(features: interpreter.fixedPoint(sample)))
      for (index, range) in report.outputRanges.enumerated() {
        let bound = part * range.width
        if abs(given[index] - Double(float[index])) > bound {
          breaches.append("\(sample) gives \(given[index]), the float network \(float[index])")
        }
        if abs(given[index] - integer[index]) > report.overall.maximum + bound {
          breaches.append("\(sample) gives \(given[index]), the snapshot \(integer[index])")
        }
      }
    }
    return breaches
  }
}
