import Foundation
import MedullaBase
import MedullaEngines
import Testing

@Suite(
  "ONNX Runtime",
  .enabled(if: EngineHost.hasRuntime, EngineHost.noRuntime),
  .enabled(if: EngineHost.hasPython, EngineHost.noModels))
struct ONNXRuntimeEngineTests {
  private func load(_ name: String, _ options: EngineOptions = EngineOptions(threads: 1)) throws
    -> any LoadedModel
  {
    try EngineHost.runtime.load(EngineHost.model(name), options: options)
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
    #expect(try EngineHost.runtime.summary.contains(Regex(#"ONNX Runtime \d+\.\d+\.\d+ on the processor"#)))
    #expect(EngineHost.runtime.path?.contains("libonnxruntime.so") == true)
  }

  @Test("describes inputs and outputs, open sizes too")
  func descriptions() throws {
    let open = try load("open_batch")
    #expect(open.inputs == [TensorDescription(name: "x", element: .float32, shape: [nil, 3])])
    #expect(
      open.outputs == [
        TensorDescription(name: "y", element: .float32, shape: [nil, 3]),
        TensorDescription(name: "total", element: .float32, shape: [nil]),
      ])
    #expect(open.inputs[0].text == "x float32 [any, 3]")
    #expect(try load("scalar").inputs == [TensorDescription(name: "x", element: .float32, shape: [])])
    let two = try load("two_inputs")
    #expect(two.inputs.map(\.text) == ["a int64 [4]", "b int64 [4]"])
    #expect(two.outputs.map(\.text) == ["sum int64 [4]", "share float32 [4]", "difference int64 [4]"])
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
      #expect(input.floats == values, "inputs stay as they are")
    }
  }

  @Test("runs several inputs and outputs of several types")
  func severalTensors() throws {
    let model = try load("two_inputs")
    let (a, b) = (TensorBuffer(.int64, [4]), TensorBuffer(.int64, [4]))
    for index in 0..<4 {
      a.bytes.storeBytes(of: Int64(index) << 40, toByteOffset: index * 8, as: Int64.self)
      b.bytes.storeBytes(of: -1, toByteOffset: index * 8, as: Int64.self)
    }
    let outputs = [TensorBuffer(.int64, [4]), TensorBuffer(.float32, [4]), TensorBuffer(.int64, [4])]
    try model.run(inputs: [a.view, b.view], outputs: outputs.map(\.view))
    let shifted = (0..<4).map { Int64($0) << 40 }
    #expect(outputs[0].values(as: Int64.self) == shifted.map { $0 - 1 })
    #expect(outputs[1].floats == shifted.map { Float($0 - 1) })
    #expect(outputs[2].values(as: Int64.self) == shifted.map { $0 + 1 })
  }

  @Test("knows every type of elements", arguments: TensorElement.allCases)
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

  /// Where the library could hand out memory of its own: the result is in the caller's all the same.
  @Test(
    "outputs that need no computing reach the caller's memory",
    arguments: [("folded", [2, 4] as [Float]), ("weights_out", [1, 2])])
  func outputsWithoutComputing(name: String, expected: [Float]) throws {
    let model = try load(name)
    let (input, first, second) = (
      TensorBuffer([-1, 3], [2]), TensorBuffer(.float32, [2]), TensorBuffer(.float32, [2])
    )
    try model.run(inputs: [input.view], outputs: [first.view, second.view])
    #expect(first.floats == expected)
    #expect(second.floats == [0, 3])
  }

  @Test("a single value has no sizes")
  func scalar() throws {
    let (input, output) = (TensorBuffer([3], []), TensorBuffer(.float32, []))
    try load("scalar").run(inputs: [input.view], outputs: [output.view])
    #expect(output.floats == [9])
  }

  @Test("an output of another shape than the model's answer is refused, and the model stays usable")
  func answersOfOtherShapes() throws {
    let model = try load("reshaped")
    let input = TensorBuffer([1, 2, 3, 4, 5, 6, 7, 8], [2, 4])
    let memory = TensorBuffer(.float32, [64])
    for rows in [3, 5] {
      var view = memory.view
      view.shape = [rows, 2]
      let said = error { try model.run(inputs: [input.view], outputs: [view]) }
      #expect(memory.floats.allSatisfy { $0 == 0 }, "nothing is written")
      #expect(said?.code == .failed && said?.cause.isEmpty == false && said?.remedy.isEmpty == false)
    }
    let output = TensorBuffer(.float32, [4, 2])
    try model.run(inputs: [input.view], outputs: [output.view])
    #expect(output.floats == input.floats)
    let found = try load("data_dependent")
    let marks = TensorBuffer([0, 1, 0, 1], [4])
    let places = TensorBuffer(.int64, [1, 2])
    try found.run(inputs: [marks.view], outputs: [places.view])
    #expect(places.values(as: Int64.self) == [1, 3])
    let wrong = TensorBuffer(.int64, [1, 3])
    #expect(error { try found.run(inputs: [marks.view], outputs: [wrong.view]) }?.code == .failed)
  }

  @Test("tensors that a model does not take are refused before it runs")
  func wrongTensors() throws {
    let model = try load("open_batch")
    let (x, y, total) = (
      TensorBuffer(.float32, [2, 3]), TensorBuffer(.float32, [2, 3]), TensorBuffer(.float32, [2])
    )
    var elsewhere = x.view
    elsewhere.device = .cuda(ordinal: 0)
    var nowhere = x.view
    nowhere.address = 0
    var odd = x.view
    odd.address += 2
    var huge = x.view
    huge.shape = [Int.max / 2, 3]
    let other = TensorBuffer(.int32, [2, 3])
    let cases: [([TensorView], [TensorView])] = [
      ([], [y.view, total.view]), ([x.view], [y.view]), ([x.view, x.view], [y.view, total.view]),
      ([other.view], [y.view, total.view]), ([x.view], [y.view, y.view]),
      ([TensorBuffer(.float32, [2, 4]).view], [y.view, total.view]),
      ([TensorBuffer(.float32, [6]).view], [y.view, total.view]),
      ([elsewhere], [y.view, total.view]), ([nowhere], [y.view, total.view]), ([odd], [y.view, total.view]),
      ([huge], [y.view, total.view]),
    ]
    for (index, (inputs, outputs)) in cases.enumerated() {
      #expect(error { try model.run(inputs: inputs, outputs: outputs) }?.code == .wrongSize, "case \(index)")
    }
    withExtendedLifetime((x, y, total, other)) {}
  }

  @Test(
    "models that cannot be taken are refused with what is wrong",
    arguments: [
      ("texts", "a tensor of texts"), ("sequence", "a sequence"), ("unknown_operator", "NoSuch"),
      ("garbage", "rotobuf"), ("nowhere", "exist"),
    ])
  func refusedModels(name: String, part: String) throws {
    let said = error { _ = try load(name) }
    #expect(said?.code == .badModel)
    #expect(said.map { "\($0)".contains(part) } == true, "\(String(describing: said))")
    #expect(said?.message.contains("\(name).onnx") == true)
  }

  @Test("options that it cannot do are refused")
  func options() throws {
    var reduced = EngineOptions()
    reduced.isReducedPrecision = true
    #expect(error { _ = try load("open_batch", reduced) }?.code == .unavailable)
    for threads in [0, -1, EngineOptions.threadLimit + 1] {
      #expect(error { _ = try load("open_batch", EngineOptions(threads: threads)) }?.code == .badOption)
    }
    var sleeping = EngineOptions(threads: 2)
    sleeping.threadsSleep = true
    let model = try load("scalar", sleeping)
    let (input, output) = (TensorBuffer([2], []), TensorBuffer(.float32, []))
    try model.run(inputs: [input.view], outputs: [output.view])
    #expect(output.floats == [4])
  }

  @Test("a model of bytes is that of its file")
  func bytes() throws {
    let path = try EngineHost.models.get().file("mnist_cnn.onnx")
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    var answers: [[Float]] = []
    for model in [EngineModel.file(path), .bytes(bytes)] {
      let loaded = try EngineHost.runtime.load(model, options: EngineOptions(threads: 1))
      var random = SeededGenerator(seed: 7)
      let input = TensorBuffer(
        (0..<784).map { _ in Float.random(in: 0...1, using: &random) }, [1, 1, 28, 28])
      let output = TensorBuffer(.float32, [1, 10])
      try loaded.run(inputs: [input.view], outputs: [output.view])
      answers.append(output.floats)
    }
    #expect(answers[0] == answers[1] && Set(answers[0]).count == 10)
    #expect(
      error { _ = try EngineHost.runtime.load(.bytes([]), options: EngineOptions()) }?.code == .badModel)
  }

  @Test("20,000 runs, with refused ones among them, and 200 loads leave nothing behind")
  func leaks() throws {
    let model = try load("open_batch")
    let (x, y, total) = (
      TensorBuffer(.float32, [2, 3]), TensorBuffer(.float32, [2, 3]), TensorBuffer(.float32, [2])
    )
    let wrong = TensorBuffer(.float32, [3, 3])
    // A descriptor that stays takes over 100 bytes, of 65,000; a session over 100 KB.
    try EngineHost.expectNoGrowth(under: 4 << 20) {
      for run in 0..<20_000 {
        try model.run(inputs: [x.view], outputs: [y.view, total.view])
        if run % 4 == 0 { _ = error { try model.run(inputs: [x.view], outputs: [wrong.view, total.view]) } }
      }
      for _ in 0..<200 { _ = try load("mnist_cnn") }
    }
  }
}
