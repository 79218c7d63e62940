import Foundation
import MedullaBase
import MedullaEngines
import Testing

@Suite(
  "OpenVINO", .enabled(if: EngineHost.hasOpenVINO, EngineHost.noOpenVINO),
  .enabled(if: EngineHost.hasPython, EngineHost.noModels))
struct OpenVINOEngineTests {
  private func load(_ name: String, _ options: EngineOptions = EngineOptions(threads: 1)) throws
    -> any LoadedModel
  {
    try EngineHost.openVINO.load(EngineHost.model(name), options: options)
  }

  private func error(_ body: () throws -> Void) -> EngineError? {
    do {
      try body()
      return nil
    } catch {
      return error as? EngineError
    }
  }

  @Test("says which version it is")
  func summary() throws {
    #expect(try EngineHost.openVINO.summary.contains(Regex(#"OpenVINO \d+\.\d+\.\d+ on the processor"#)))
  }

  @Test("describes inputs and outputs, open sizes too")
  func descriptions() throws {
    let open = try load("open_batch")
    #expect(open.inputs == [TensorDescription(name: "x", element: .float32, shape: [nil, 3])])
    #expect(open.outputs.map(\.text) == ["y float32 [any, 3]", "total float32 [any]"])
    #expect(try load("mnist_cnn").inputs.map(\.text) == ["input float32 [1, 1, 28, 28]"])
  }

  @Test("writes outputs to the caller's memory, for any batch, one model after the other")
  func openBatch() throws {
    let model = try load("open_batch")
    for batch in [1, 2, 5, 1] {
      let values = (0..<batch * 3).map { Float($0) - 4 }
      let input = TensorBuffer(values, [batch, 3])
      let (output, total) = (TensorBuffer(.float32, [batch, 3]), TensorBuffer(.float32, [batch]))
      try model.run(inputs: [input.view], outputs: [output.view, total.view])
      #expect(output.floats == values.map { 2 * $0 + 1 })
      let totals = (0..<batch).map { row in values[row * 3..<row * 3 + 3].reduce(0, +) }
      #expect(total.floats == totals)
    }
  }

  @Test("an output of another shape than the model's answer is refused, and the model stays usable")
  func answersOfOtherShapes() throws {
    let model = try load("reshaped")
    let input = TensorBuffer([1, 2, 3, 4, 5, 6, 7, 8], [2, 4])
    for rows in [3, 5, 1_000_000] {
      let output = TensorBuffer(.float32, [rows, 2])
      let said = error { try model.run(inputs: [input.view], outputs: [output.view]) }
      #expect(output.floats.allSatisfy { $0 == 0 })
      #expect(said?.code == .failed && said?.cause.isEmpty == false, "\(rows): \(String(describing: said))")
    }
    let output = TensorBuffer(.float32, [4, 2])
    try model.run(inputs: [input.view], outputs: [output.view])
    #expect(output.floats == input.floats)
  }

  @Test("knows every type of elements but int64", arguments: TensorElement.allCases.filter { $0 != .int64 })
  func elements(element: TensorElement) throws {
    let model = try load("same_\(element.rawValue)")
    #expect(model.inputs == [TensorDescription(name: "x", element: element, shape: [2, 3])])
    let (input, output) = (TensorBuffer(element, [2, 3]), TensorBuffer(element, [2, 3]))
    for index in input.bytes.indices {
      input.bytes[index] = element == .bool ? UInt8(index % 2) : UInt8(index + 1)
    }
    try model.run(inputs: [input.view], outputs: [output.view])
    #expect(output.values(as: UInt8.self) == input.values(as: UInt8.self))
  }

  @Test("models that cannot be taken are refused", arguments: ["unknown_operator", "garbage", "nowhere"])
  func refusedModels(name: String) throws {
    let said = error { _ = try load(name) }
    #expect(said?.code == .badModel && said?.cause.isEmpty == false, "\(String(describing: said))")
    #expect(said?.message.contains("\(name).onnx") == true)
  }

  @Test("texts and tensors that a model does not take are refused")
  func refusedTensors() throws {
    #expect(error { _ = try load("texts") }?.message.contains("texts") == true)
    #expect(error { _ = try load("two_inputs") }?.cause.contains("32 bits") == true)
    let model = try load("open_batch")
    let (x, y) = (TensorBuffer(.float32, [2, 3]), TensorBuffer(.float32, [2, 3]))
    #expect(error { try model.run(inputs: [x.view], outputs: [y.view]) }?.code == .wrongSize)
    #expect(error { try model.run(inputs: [x.view], outputs: [y.view, y.view]) }?.code == .wrongSize)
    #expect(error { _ = try load("scalar", EngineOptions(threads: 0)) }?.code == .badOption)
  }

  @Test("bfloat16 is nearly the same, and not the same, or is refused by the processor's name for it")
  func reducedPrecision() throws {
    var reduced = EngineOptions(threads: 2)
    reduced.isReducedPrecision = true
    let model: any LoadedModel
    do {
      model = try load("vgg11_small", reduced)
    } catch let error as EngineError {
      #expect(error.code == .unavailable && error.message.contains("f32"), "\(error)")
      return
    }
    let full = try load("vgg11_small")
    var random = SeededGenerator(seed: 9)
    let input = TensorBuffer(
      (0..<3 * 32 * 32).map { _ in Float.random(in: -1...1, using: &random) }, [1, 3, 32, 32])
    let (some, exact) = (TensorBuffer(.float32, [1, 100]), TensorBuffer(.float32, [1, 100]))
    try model.run(inputs: [input.view], outputs: [some.view])
    try full.run(inputs: [input.view], outputs: [exact.view])
    let scale = exact.floats.map(\.magnitude).max() ?? 0
    let apart = zip(some.floats, exact.floats).map { ($0 - $1).magnitude / scale }.max() ?? 0
    #expect(apart > 1e-5 && apart < 0.03, "\(apart)")
  }

  @Test("a model of bytes is that of its file")
  func bytes() throws {
    let path = try EngineHost.models.get().file("mnist_cnn.onnx")
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let loaded = try EngineHost.openVINO.load(.bytes(bytes), options: EngineOptions(threads: 1))
    #expect(loaded.inputs.map(\.shape) == [[1, 1, 28, 28]])
    #expect(
      error { _ = try EngineHost.openVINO.load(.bytes([]), options: EngineOptions()) }?.code == .badModel)
  }

  @Test("20,000 runs, with refused ones among them, leave nothing behind")
  func leaks() throws {
    let model = try load("open_batch")
    let (x, y, total) = (
      TensorBuffer(.float32, [2, 3]), TensorBuffer(.float32, [2, 3]), TensorBuffer(.float32, [2])
    )
    let wrong = TensorBuffer(.float32, [3, 3])
    try EngineHost.expectNoGrowth(under: 4 << 20) {
      for run in 0..<20_000 {
        try model.run(inputs: [x.view], outputs: [y.view, total.view])
        if run % 4 == 0 { _ = error { try model.run(inputs: [x.view], outputs: [wrong.view, total.view]) } }
      }
    }
  }
}
