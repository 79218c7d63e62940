import Foundation
import MedullaBase
import MedullaEngines
import Testing

@Suite("Engines on the same model")
struct EngineComparisonTests {
  /// Of an output's largest magnitude: float32 sums in another order.
  static let tolerance = 1e-5

  private var present: [any Engine] {
    EngineList.all.filter { $0.obstacle == nil && $0.device == .host }
  }

  @Test("have names of their own, and are found by them")
  func names() throws {
    let names = EngineList.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.first == "onnxruntime")
    for name in names { #expect(try EngineList.named(name).name == name) }
    let error = #expect(throws: EngineError.self) { try EngineList.named("abacus") }
    #expect(error?.remedy.contains("onnxruntime") == true)
  }

  @Test(
    "agree on networks as large as tests can have",
    .enabled(if: EngineHost.hasRuntime, EngineHost.noRuntime),
    .enabled(if: EngineHost.hasPython, EngineHost.noModels),
    arguments: ["mnist_cnn", "vgg11_small", "tiny_yolo_small"])
  func generated(name: String) throws {
    let seed: UInt64 = 11
    let comparison = try EngineComparison(EngineHost.model(name), on: present, seed: seed)
    #expect(comparison.differences.count == present.count * (present.count - 1) / 2)
    for difference in comparison.differences {
      #expect(difference.relative < Self.tolerance, "\(name), seed \(seed): \(difference)")
      #expect(difference.magnitude > 0.01, "\(difference)")
    }
  }

  @Test(
    "agree on the network that is shipped", .enabled(if: EngineHost.hasRuntime, EngineHost.noRuntime))
  func shipped() throws {
    let path = EngineHost.root.appendingPathComponent("models/aurora-medulla.onnx").path
    let comparison = try EngineComparison(.file(path), on: present, seed: 5)
    #expect(!comparison.differences.isEmpty && comparison.worst < Self.tolerance, "\(comparison)")
  }

  @Test(
    "are told apart when one differs", .enabled(if: EngineHost.hasPython, EngineHost.noModels))
  func difference() throws {
    let engines: [any Engine] = [ReferenceEngine(), ScaledEngine(factor: 1.001)]
    let comparison = try EngineComparison(EngineHost.model("mnist_cnn"), on: engines, seed: 2)
    let difference = try #require(comparison.differences.first)
    #expect(difference.one == "reference" && difference.other == "scaled")
    #expect(comparison.worst > 9e-4 && comparison.worst < 1.1e-3, "\(comparison)")
    let broken = try EngineComparison(
      EngineHost.model("mnist_cnn"), on: [ReferenceEngine(), ScaledEngine(factor: .nan)], seed: 2)
    #expect(broken.worst == .infinity)
  }

  @Test(
    "of whole numbers are not compared by random ones",
    .enabled(if: EngineHost.hasRuntime, EngineHost.noRuntime),
    .enabled(if: EngineHost.hasPython, EngineHost.noModels))
  func wholeNumbers() throws {
    #expect(throws: EngineError.self) {
      try EngineComparison(EngineHost.model("two_inputs"), on: [EngineHost.runtime], seed: 1)
    }
  }
}

/// The reference with a factor at its outputs.
private struct ScaledEngine: Engine {
  let factor: Float
  let name = "scaled"
  let summary = "wrong by a factor"
  let obstacle: EngineError? = nil
  let device = TensorDevice.host

  func load(_ model: EngineModel, options: EngineOptions) throws(EngineError) -> any LoadedModel {
    ScaledModel(model: try ReferenceEngine().load(model, options: options), factor: factor)
  }
}

private final class ScaledModel: LoadedModel {
  let model: any LoadedModel
  let factor: Float
  var inputs: [TensorDescription] { model.inputs }
  var outputs: [TensorDescription] { model.outputs }

  init(model: any LoadedModel, factor: Float) { (self.model, self.factor) = (model, factor) }

  func run(inputs: [TensorView], outputs: [TensorView]) throws(EngineError) {
    try model.run(inputs: inputs, outputs: outputs)
    for view in outputs {
      let values = UnsafeMutablePointer<Float>(bitPattern: UInt(view.address))
      for index in 0..<view.byteCount / 4 { values?[index] *= factor }
    }
  }
}
