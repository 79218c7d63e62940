import Foundation
import MedullaBase
import MedullaFabric
import MedullaModel
import TestbedLink
import TestbedMeasures
import TestbedNF
import TestbedReport

/// mini-AlexNet in a fabric beside an inference engine behind a UDP socket: the study `fabric-rivals`.
enum FabricRivals {
  /// Who computes.
  enum Way: String, CaseIterable {
    case fabric, packed
    case engineFloat = "onnxruntime-fp32"
    case engineInteger = "onnxruntime-int8"

    var title: String {
      switch self {
      case .fabric: "switches"
      case .packed: "packed C"
      case .engineFloat: "ONNX Runtime, fp32, UDP socket"
      case .engineInteger: "ONNX Runtime, int8, UDP socket"
      }
    }
  }

  static let ways = Axis("ways", "way", Way.allCases.map(\.rawValue), "Who computes.")
    .titled { Way(rawValue: $0)?.title ?? $0 }
  static let unlike = Metric("unlike", "classes unlike the float network's", places: 0)

  private static func ratio(
    _ name: String, _ metric: Metric, over way: Way, _ count: Int
  ) -> Figure {
    let own = FabricLatency.processors(count)
    return Figure(name) {
      $0.ratio(metric, [ways(Way.fabric.rawValue), own], over: [ways(way.rawValue), own])
    }
  }

  static let study = Study(
    "fabric-rivals", "mini-AlexNet in a fabric of XDP switches, beside ONNX Runtime behind a UDP socket.",
    discussion: """
      Needs root, clang, ONNX Runtime and onnx in .venv (`make setup`), and what `make fabric-model` trains; \
      four minutes, --quick one.
      """,
    method: """
      Trained weights and test images. Switches and packed C as in fabric-latency. ONNX Runtime with as many \
      threads as the fabric has processors, fp32 on the file that PyTorch wrote, int8 after its own \
      static quantization (by channel, on 64 images): an image comes in three datagrams on loopback, is \
      made floats, and its scores go back. Sender and receiver share the two processors in both. p50 and \
      p99: one image at a time; the rate: several at once.
      """,
    paper: PaperFigure(
      "Distributed DNN Serving, §2",
      "Latency 2 and 2.5 times less than inference on CPU and GPU servers (calculated)."),
    keys: [
      FabricLatency.processors, ways, FabricAccuracy.folder, FabricLatency.count, FabricLatency.window,
      Common.repeats.with(3),
    ],
    quick: { ($0[FabricLatency.count], $0[Common.repeats]) = (20, 1) },
    cells: { [StudyCell].one.times(FabricLatency.processors, $0).times(ways, $0) },
    check: { plan in
      try Study.require(
        plan[ways].allSatisfy { Way(rawValue: $0) != nil }, "A way of the plan is not known.",
        remedy: "Use \(Way.allCases.map(\.rawValue).joined(separator: ", ")).")
    },
    course: .trials(.shuffled) { plan, context in
      let bench = try RivalBench(
        folder: plan[FabricAccuracy.folder],
        try FabricBench(
          models: context.models, count: plan[FabricLatency.count], window: plan[FabricLatency.window]))
      return { cell, _ in
        guard let way = Way(rawValue: cell[ways]) else { return Reading() }
        return try bench.reading(way, processors: cell[FabricLatency.processors])
      }
    },
    metrics: [
      FabricLatency.p50, FabricLatency.p99, FabricLatency.rate, FabricLatency.wrong, unlike,
      FabricLatency.unit,
    ],
    figures: [
      ratio("p50 over ONNX Runtime fp32, one processor", FabricLatency.p50, over: .engineFloat, 1),
      ratio("p50 over ONNX Runtime int8, one processor", FabricLatency.p50, over: .engineInteger, 1),
      ratio("p50 over ONNX Runtime fp32, two processors", FabricLatency.p50, over: .engineFloat, 2),
      ratio("p50 over ONNX Runtime int8, two processors", FabricLatency.p50, over: .engineInteger, 2),
      ratio("rate over ONNX Runtime fp32, two processors", FabricLatency.rate, over: .engineFloat, 2),
      ratio("rate over ONNX Runtime int8, two processors", FabricLatency.rate, over: .engineInteger, 2),
      ratio("p50 over packed C, one processor", FabricLatency.p50, over: .packed, 1),
      Figure("wrong answers of switches", places: 0) {
        $0.sum(FabricLatency.wrong, [ways(Way.fabric.rawValue)]).map { Estimate($0) }
      },
    ],
    bounds: [
      Bound(
        "p50 over ONNX Runtime fp32, one processor", .atMost(0.5), .paper("Distributed DNN Serving, §2"),
        by: .interval),
      Bound("p50 over packed C, one processor", .atMost(1.35), .ours, by: .interval),
      Bound("wrong answers of switches", .atMost(0), .ours),
    ],
    plots: [.bars("An inference, p50", FabricLatency.p50, scale: .logarithmic)])
}

/// The same images through a fabric and through an engine.
final class RivalBench {
  private let trained: TrainedNetwork
  private let bench: FabricBench
  private let scratch: ScratchDirectory
  private let quantized: String
  private let inputs: [[Int64]]
  /// Bytes of a colour each.
  private let images: [[UInt8]]
  /// What the float network says of the different ones.
  private let classes: [Int]

  init(folder: String, _ bench: FabricBench) throws {
    self.bench = bench
    trained = try TrainedNetwork(folder)
    scratch = try ScratchDirectory("rivals-\(UInt32.random(in: 0...UInt32.max))")
    quantized = scratch.path("int8.onnx")
    try StaticQuantization.run(
      trained.path, calibration: "\(folder)/calibration.npy", to: quantized, python: PythonInterpreter.path())
    let different = min(FabricBench.differentInputs, trained.images.count)
    let own = trained.inputs(different)
    inputs = (0..<bench.count).map { own[$0 % different] }
    let bytes = trained.images.prefix(different).map { $0.map { UInt8($0) } }
    images = (0..<bench.count).map { bytes[$0 % different] }
    let socket = try EngineSocket(model: trained.path, threads: 1)
    defer { socket.stop() }
    classes = try socket.infer(bytes, window: 1).map { Self.label($0.scores) }
  }

  private static func label(_ scores: [Float]) -> Int {
    scores.indices.max { scores[$0] < scores[$1] } ?? 0
  }

  func reading(_ way: FabricRivals.Way, processors: Int) throws -> Reading {
    try bench.withUnit {
      switch way {
      case .fabric: try bench.fabric(trained.file, leaves: 8, spines: 4, inputs, processors)
      case .packed: try bench.packed(trained.file, inputs, processors)
      case .engineFloat: try engine(trained.path, processors)
      case .engineInteger: try engine(quantized, processors)
      }
    }
  }

  private func engine(_ path: String, _ threads: Int) throws -> Reading {
    let socket = try EngineSocket(model: path, threads: threads)
    defer { socket.stop() }
    let alone = try socket.infer(images, window: 1)
    let started = ContinuousClock.now
    let together = try socket.infer(images, window: bench.window)
    let seconds = (ContinuousClock.now - started) / .seconds(1)
    var reading = FabricBench.times(
      alone.map { $0.time / .microseconds(1) }, perSecond: Double(together.count) / seconds)
    reading[FabricRivals.unlike] = Double(
      alone.enumerated().count { Self.label($0.element.scores) != classes[$0.offset % classes.count] })
    return reading
  }
}
