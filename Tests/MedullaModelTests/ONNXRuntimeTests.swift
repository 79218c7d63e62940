import Foundation
import InferenceCases
import MedullaBase
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
      let expected = try directory.readFloats(name + ".expected")
      #expect(try worstDeviation(of: network, on: inputs, from: expected) <= 1, "\(name)")
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
        let expected = try directory.readFloats(name + ".expected")
        #expect(worstDeviation(outputs, expected, tensor: network.outputShape.count) <= 1, "\(name)")
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
    let expected = try directory.readFloats("aurora.expected")
    #expect(try worstDeviation(of: network, on: inputs, from: expected) <= 1)
    // One weight of a thousand that is off by a hundredth would be seen.
    guard case .dense(let first) = network.layers[0] else {
      Issue.record("the published network begins with \(network.layers[0].kind)")
      return
    }
    var weights = first.weights
    weights[0] *= 1.01
    let off = Dense(inputs: first.inputs, outputs: first.outputs, weights: weights, bias: first.bias)
    let wrong = try Network(
      name: "wrong", inputShape: network.inputShape, layers: [.dense(off)] + network.layers.dropFirst())
    #expect(try worstDeviation(of: wrong, on: inputs, from: expected) > 1)
  }

  @Test("the comparison sees one wrong element among large ones, in any tensor")
  func comparison() {
    let expected: [Float] = [1000, 1, 0, 0.5, 0.001, 0]
    #expect(worstDeviation(expected, expected, tensor: 3) == 0)
    let cases: [(index: Int, by: Float, within: Bool)] = [
      (0, 0.01, true), (0, 0.02, false), (1, 0.0009, true), (1, 0.002, false), (2, 0.0009, true),
      (2, 0.002, false), (3, 5e-6, true), (3, 1e-5, false), (4, 4e-7, true), (4, 1e-6, false),
      (5, 4e-7, true), (5, 1e-6, false), (5, .nan, false), (5, .infinity, false),
    ]
    for (index, by, within) in cases {
      var values = expected
      values[index] += by
      #expect((worstDeviation(values, expected, tensor: 3) <= 1) == within, "element \(index), \(by)")
    }
    #expect(worstDeviation([1, 2], [1, 2, 3], tensor: 1) == .infinity)
    #expect(
      worstDeviation([1e-9], [0], tensor: 1) == .infinity, "nothing is allowed beside a tensor of zeros")
    #expect(worstDeviation([1e-6], [0], tensor: 1, terms: [10]) <= 1, "what is left of terms of 10")
    #expect(worstDeviation([2e-6], [0], tensor: 1, terms: [10]) > 1)
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

/// The largest difference of a network's outputs from what is expected, as a multiple of what is allowed.
private func worstDeviation(of network: Network, on inputs: [[Float]], from expected: [Float]) throws
  -> Double
{
  let reference = FloatReference(network)
  let scale = RoundingScale(network)
  return try worstDeviation(
    inputs.flatMap { try reference.run($0) }, expected, tensor: network.outputShape.count,
    terms: inputs.flatMap { try scale.magnitudes($0) })
}

/// The largest difference of an element from what is expected, as a multiple of what is allowed: 1e-5 of the
/// expected element, 1e-6 of the largest magnitude in the same output tensor, and one float32 epsilon of the
/// terms that were summed (a sum that cancels to nearly nothing keeps the rounding of its terms). Infinite
/// when sizes differ or a value is not finite.
///
/// - Parameters:
///   - size: elements of one output tensor; `expected` holds several, one after the other.
///   - terms: for each element how large its terms were (`RoundingScale`), or nothing.
private func worstDeviation(
  _ values: [Float], _ expected: [Float], tensor size: Int, terms: [Float] = []
) -> Double {
  guard values.count == expected.count, !values.isEmpty, size > 0, values.count.isMultiple(of: size),
    terms.isEmpty || terms.count == values.count, (values + expected).allSatisfy(\.isFinite)
  else { return .infinity }
  var worst = 0.0
  for start in stride(from: 0, to: expected.count, by: size) {
    let largest = expected[start..<start + size].map(\.magnitude).max() ?? 0
    for index in start..<start + size where values[index] != expected[index] {
      let rounding = terms.isEmpty ? 0 : Double(Float.ulpOfOne) * Double(terms[index])
      let allowed = 1e-5 * Double(expected[index].magnitude) + 1e-6 * Double(largest) + rounding
      worst = max(worst, abs(Double(values[index]) - Double(expected[index])) / allowed)
    }
  }
  return worst
}
