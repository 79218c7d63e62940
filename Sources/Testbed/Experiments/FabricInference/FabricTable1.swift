import MedullaFabric
import MedullaModel
import MedullaSnapshot
import TestbedLink
import TestbedReport

/// mini-AlexNet on a switch's pipelines, by calculation: the study `fabric-table1`.
enum FabricTable1 {
  static let layers = Axis(
    "layers", "layer", LayerCount.printed.map(\.name), "Of mini-AlexNet.")

  static let parameters = Metric("parameters", "parameters", places: 0)
  static let printedParameters = Metric("printed_parameters", "printed parameters", places: 0)
  static let operations = Metric("operations", "operations", places: 0)
  static let printedOperations = Metric("printed_operations", "printed operations", places: 0)
  static let memory = Metric("memory_bytes", "memory", "bytes", places: 0)
  static let printedMemory = Metric("printed_memory_bytes", "printed memory", "bytes", places: 0)
  static let rateBound = Metric("rate_bound_ms", "all pipelines busy", "ms", places: 3)
  static let alone = Metric("alone_ms", "an inference alone", "ms", places: 2)
  static let recirculated = Metric("recirculated_ms", "over the pipelines' own ports", "ms", places: 3)

  /// 64 activations behind the fabric's header.
  private static let frameBytes = 64.0 + Double(CellFormat.headerBytes)

  /// 32×32×3, three convolutions of 3×3 without padding, each with pooling of 2×2, three dense layers.
  static let shape: ProgramShape = {
    let relu = Epilogue(shift: 26, function: .clamp(low: 0, high: 127))
    func convolution(_ channels: Int, _ size: Int, _ filters: Int) -> [Step] {
      let one = Extent(height: 1, width: 1)
      let two = Extent(height: 2, width: 2)
      return [
        .convolution(
          ConvolutionStep(
            inputChannels: channels, height: size, width: size, outputChannels: filters,
            kernel: Extent(height: 3, width: 3), strides: one, dilations: one, groups: 1, packing: .triple,
            epilogue: relu)),
        .pool(
          PoolStep(
            kind: .maximum, channels: filters, height: size - 2, width: size - 2, kernel: two, strides: two,
            padding: Padding(top: 0, left: 0, bottom: 0, right: 0), outputHeight: (size - 2) / 2,
            outputWidth: (size - 2) / 2)),
      ]
    }
    func dense(_ inputs: Int, _ outputs: Int) -> Step {
      .dense(DenseStep(inputs: inputs, outputs: outputs, packing: .triple, epilogue: relu))
    }
    return ProgramShape(
      scheme: .w8a8, inputs: 3_072, tables: [],
      steps: convolution(3, 32, 64) + convolution(64, 15, 192) + convolution(192, 6, 384)
        + [dense(1_536, 4_096), dense(4_096, 2_048), dense(2_048, 10)])
  }()

  private static func reading(_ name: String) throws -> Reading {
    let stages = try Stage.all(of: shape)
    guard let stage = stages.first(where: { $0.name == name }),
      let printed = LayerCount.printed.first(where: { $0.name == name })
    else { return Reading() }
    let counted = LayerCount(stage)
    let node = PipelineSwitch()
    let work = Double(printed.operations)
    return Reading([
      parameters: Double(counted.parameters), printedParameters: Double(printed.parameters),
      operations: Double(counted.operations), printedOperations: work,
      memory: Double(counted.memoryBytes), printedMemory: Double(printed.memoryBytes),
      rateBound: node.computeSeconds(operations: work) * 1e3,
      alone: node.aloneSeconds(operations: work, packets: LayerCount.packets[name] ?? 1) * 1e3,
      recirculated: node.recirculationSeconds(operations: work, frameBytes: frameBytes) * 1e3,
    ])
  }

  private static func sum(_ name: String, _ metric: Metric) -> Figure {
    Figure(name) { runs in
      let values = runs.plan[layers].compactMap { runs.mean(metric, [layers($0)]) }
      return values.count == LayerCount.printed.count ? Estimate(values.reduce(0, +)) : nil
    }
  }

  /// The largest part by which a count is not the printed one.
  private static func deviation(_ name: String, _ metric: Metric, _ printed: Metric) -> Figure {
    Figure(name) { runs in
      let parts = runs.plan[layers].compactMap { layer -> Double? in
        guard let own = runs.mean(metric, [layers(layer)]), let theirs = runs.mean(printed, [layers(layer)]),
          theirs > 0
        else { return nil }
        return abs(own / theirs - 1)
      }
      return parts.count == LayerCount.printed.count ? parts.max().map { Estimate($0) } : nil
    }
  }

  static let study = Study(
    "fabric-table1", "mini-AlexNet's layers, and what they take of a switch's pipelines by calculation.",
    discussion: "Calculates; needs nothing, and takes a moment.",
    method: """
      Parameters, operations (two for each multiply-accumulate) and memory (a byte for each parameter and \
      output) are counted from the network's shape, as a plan counts them, and held against Table 1 as it is \
      printed, slips included. Times are of the printed operations on the paper's switch: four pipelines of \
      1.5 billion packets a second, ten operations in a pass. "All pipelines busy" is the paper's way: \
      operations over what the pipelines can do. "An inference alone" has no more packets to recirculate \
      than the layer has inputs, 64 in each, at 400 ns a pass. "Over the pipelines' own ports": frames of \
      112 bytes are recirculated at 3.2 Tbit/s a pipeline.
      """,
    paper: PaperFigure(
      "Distributed DNN Serving, Table 1, §2",
      "15 million parameters and 91 million operations in less than 16 MB; less than 1 ms for the layer with "
        + "the most operations, less than 2 ms in all."),
    keys: [layers, Common.repeats.with(2)], quick: { $0[Common.repeats] = 1 },
    cells: { [StudyCell].one.times(layers, $0) },
    check: { plan in
      try Study.require(
        plan[layers].allSatisfy { name in LayerCount.printed.contains { $0.name == name } },
        "A layer of the plan is not known.",
        remedy: "Use layers \(LayerCount.printed.map(\.name).joined(separator: ", ")).")
    },
    course: .trials(.asListed) { _, _ in { cell, _ in try reading(cell[layers]) } },
    metrics: [
      parameters, printedParameters, operations, printedOperations, memory, printedMemory, rateBound, alone,
      recirculated,
    ],
    figures: [
      sum("parameters of all layers", parameters),
      deviation("parameters: largest part by which they are not the printed", parameters, printedParameters),
      deviation("operations: largest part by which they are not the printed", operations, printedOperations),
      deviation("memory: largest part by which it is not the printed", memory, printedMemory),
      sum("all pipelines busy: all layers (ms)", rateBound),
      sum("an inference alone: all layers (ms)", alone),
      sum("over the pipelines' own ports: all layers (ms)", recirculated),
    ],
    bounds: [
      Bound(
        "parameters: largest part by which they are not the printed", .atMost(0.00001), .ours),
      Bound(
        "operations: largest part by which they are not the printed", .atMost(0.001), .ours),
      Bound(
        "memory: largest part by which it is not the printed", .atMost(0.00001), .ours),
      Bound("all pipelines busy: all layers (ms)", .atMost(2), .paper("Distributed DNN Serving, Table 1")),
      Bound(
        "an inference alone: all layers (ms)", .atMost(2), .paper("Distributed DNN Serving, Table 1"),
        judged: false,
        explanation: """
          A pipeline is busy with six hundred packets that go round at once; a layer's inputs are 24 to 225. \
          The paper's time is that of a rate at which many inferences are on their way.
          """),
    ],
    plots: [.bars("Operations", operations), .bars("All pipelines busy", rateBound)])
}
