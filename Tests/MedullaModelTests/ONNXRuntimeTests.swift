import Foundation
import MedullaModel
import Testing

@Suite(
  "The float reference agrees with ONNX Runtime",
  .enabled(if: ProjectFiles.hasPython, "no Python with onnxruntime; `make setup` or MEDULLA_PYTHON gives one")
)
struct ONNXRuntimeTests {
  static let inputs = 4

  /// The layers that are left of models whose other operators fold into them.
  static let folded: [String: [String]] = [
    "matmul_add": ["dense"], "add_matmul_left": ["dense"], "scaler_before_gemm": ["dense"],
    "scalar_scale_after_gemm": ["dense"], "image_scale": ["convolution"],
    "image_shift_unpadded": ["convolution"],
    "conv_batchnorm": ["convolution", "relu"], "gemm_batchnorm": ["dense"], "batchnorm_first": ["dense"],
    "concat_slices": ["rearrange", "dense"], "torch_view": ["rearrange", "dense"],
    "identity_dropout": ["dense"], "second_head": ["dense", "relu"], "gemm_trans_a": ["dense"],
    "net_1d": ["rearrange", "convolution", "relu", "pool", "rearrange", "dense"],
  ]

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

  @Test("to 1e-5 on models as other exporters write them, for every operator and opset range")
  func exported() throws {
    let directory = try TemporaryDirectory()
    for script in ["onnx_helper_models.py", "onnx_runtime_outputs.py"] {
      let run = try ProjectFiles.run(script: script, [directory.url.path])
      #expect(run.status == 0, "\(script): \(run.output)")
    }
    let models = try FileManager.default.contentsOfDirectory(atPath: directory.url.path)
      .filter { $0.hasSuffix(".onnx") }.sorted()
    #expect(models.count > 60)
    for model in models {
      let name = String(model.dropLast(5))
      do {
        let network = try ONNXReader.read(contentsOf: directory.path(model))
        let reference = FloatReference(network)
        let inputs = try directory.readFloats(name + ".input")
        let size = network.inputShape.count
        #expect(inputs.count % size == 0, "\(name)")
        let outputs = try stride(from: 0, to: inputs.count, by: size).flatMap { start in
          try reference.run(Array(inputs[start..<start + size]))
        }
        let deviation = try relativeDeviation(outputs, directory.readFloats(name + ".expected"))
        #expect(deviation <= 1e-5, "\(name)")
        if let kinds = Self.folded[name] { #expect(network.layers.map(\.kind) == kinds, "\(name)") }
        // What was read leaves again and means the same.
        #expect(try ONNXReader.read(ONNXWriter.data(network)) == network, "\(name)")
      } catch {
        Issue.record("\(name): \(error)")
      }
    }
  }

  @Test("to 1e-5 on a published network", .enabled(if: ProjectFiles.hasAurora, "../shared/data is missing"))
  func published() throws {
    let directory = try TemporaryDirectory()
    var random = SeededGenerator(seed: 40)
    let network = try ONNXReader.read(contentsOf: ProjectFiles.aurora.path)
    let inputs = (0..<200).map { _ in random.floats(network.inputShape.count, in: -10...10) }
    try FileManager.default.copyItem(atPath: ProjectFiles.aurora.path, toPath: directory.path("aurora.onnx"))
    try directory.writeFloats(inputs.flatMap { $0 }, "aurora.input")
    let run = try ProjectFiles.run(script: "onnx_runtime_outputs.py", [directory.url.path])
    #expect(run.status == 0, "\(run.output)")
    let outputs = try inputs.flatMap { try FloatReference(network).run($0) }
    #expect(try relativeDeviation(outputs, directory.readFloats("aurora.expected")) <= 1e-5)
  }

  @Test("what cannot be read is refused with its code and the node's name")
  func refused() throws {
    let directory = try TemporaryDirectory()
    let run = try ProjectFiles.run(script: "onnx_refused_models.py", [directory.url.path])
    #expect(run.status == 0, "\(run.output)")
    let models = try FileManager.default.contentsOfDirectory(atPath: directory.url.path)
      .filter { $0.hasSuffix(".onnx") }.sorted()
    #expect(models.count > 30)
    for model in models {
      let code = try String(
        contentsOfFile: directory.path(String(model.dropLast(5)) + ".code"), encoding: .utf8)
      do {
        _ = try ONNXReader.read(contentsOf: directory.path(model))
        Issue.record("\(model) was read; \(code) was expected")
      } catch {
        #expect(error.code.rawValue == code, "\(model): \(error)")
        if error.code == .unsupportedOperator {
          #expect(error.message.contains("opset 17") && !error.remedy.isEmpty, "\(model): \(error)")
        }
      }
    }
  }
}

/// The largest difference, relative to the largest expected magnitude; infinite when sizes differ.
func relativeDeviation(_ values: [Float], _ expected: [Float]) -> Float {
  guard values.count == expected.count, !values.isEmpty, values.allSatisfy(\.isFinite) else {
    return .infinity
  }
  let scale = expected.map(\.magnitude).max() ?? 0
  let deviation = zip(values, expected).map { ($0 - $1).magnitude }.max() ?? .infinity
  return deviation == 0 ? 0 : deviation / max(scale, .leastNormalMagnitude)
}
