import Foundation
import MedullaModel
import Testing

@Suite(
  "The float reference agrees with ONNX Runtime",
  .enabled(if: ProjectFiles.hasPython, "no Python with onnxruntime; `make setup` or MEDULLA_PYTHON gives one")
)
struct ONNXRuntimeTests {
  static let inputs = 4

  @Test("to 1e-5 on every kind of layer, over generated networks")
  func generated() throws {
    let directory = try TemporaryDirectory()
    var cases: [(name: String, network: Network, inputs: [[Float]])] = []
    for family in NetworkCases.families {
      for seed in UInt64(1)...12 {
        var random = SeededGenerator(seed: seed)
        let network = try family.make(&random)
        let inputs = (0..<Self.inputs).map { _ in random.floats(network.inputShape.count, in: -3...3) }
        let name = "\(family.name)-\(seed)"
        try ONNXWriter.write(network, to: directory.path(name + ".onnx"))
        try directory.writeFloats(inputs.flatMap { $0 }, name + ".input")
        cases.append((name, network, inputs))
      }
    }
    let run = try ProjectFiles.run(script: "onnx_runtime_outputs.py", [directory.url.path])
    #expect(run.status == 0, "\(run.output)")
    for (name, network, inputs) in cases {
      let reference = FloatReference(network)
      let outputs = try inputs.flatMap { try reference.run($0) }
      let deviation = try relativeDeviation(outputs, directory.readFloats(name + ".expected"))
      #expect(deviation <= 1e-5, "\(name)")
    }
  }
}

/// The largest difference, relative to the largest expected magnitude; infinite when sizes differ.
func relativeDeviation(_ values: [Float], _ expected: [Float]) -> Float {
  guard values.count == expected.count, !values.isEmpty else { return .infinity }
  let scale = expected.map(\.magnitude).max() ?? 0
  let deviation = zip(values, expected).map { ($0 - $1).magnitude }.max() ?? .infinity
  return deviation == 0 ? 0 : deviation / max(scale, .leastNormalMagnitude)
}
