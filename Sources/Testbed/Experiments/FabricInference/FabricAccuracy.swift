import Foundation
import MedullaEngines
import MedullaFabric
import MedullaRuntime
import MedullaSnapshot
import TestbedLink
import TestbedReport

/// What a trained network is worth in floats, in integers and in a fabric: the study `fabric-accuracy`.
enum FabricAccuracy {
  /// Who answers.
  enum Way: String, CaseIterable {
    case float, integer, fabric

    var title: String {
      switch self {
      case .float: "floats (ONNX Runtime)"
      case .integer: "integers (packed C)"
      case .fabric: "switches"
      }
    }
  }

  static let ways = Axis("ways", "way", Way.allCases.map(\.rawValue), "Who answers.")
    .titled { Way(rawValue: $0)?.title ?? $0 }
  static let folder = Setting("folder", TrainedNetwork.standardFolder, .same, "What train.py has written.")
  static let images = Setting("images", 10_000, .atLeast, in: 16...1_000_000, "Of the test set.")
  static let window = Setting("window", 8, .atLeast, in: 1...64, "Inferences at once.")

  static let accuracy = Metric("accuracy", "accuracy on test images", places: 4)
  static let answered = Metric("images", "images", places: 0)
  static let unlike = Metric("unlike", "answers unlike the integer network's", places: 0)

  private static func worth(_ way: Way) -> Figure {
    Figure("accuracy, \(way.title)", places: 4) {
      $0.mean(accuracy, [ways(way.rawValue)]).map { Estimate($0) }
    }
  }

  private static let loss = Figure("accuracy, integers less floats", places: 4) {
    $0.difference(accuracy, [ways(Way.integer.rawValue)], less: [ways(Way.float.rawValue)])
  }

  private static let unlikeOnes = Figure("answers of switches unlike the integer network's", places: 0) {
    $0.mean(unlike, [ways(Way.fabric.rawValue)]).map { Estimate($0) }
  }

  static let study = Study(
    "fabric-accuracy",
    "What a trained network answers on its test set: in floats, in integers, and over a fabric.",
    discussion: """
      Needs root, clang, and what `make fabric-model` trains; with 10,000 images ten minutes, --quick half a \
      minute.
      """,
    method: """
      mini-AlexNet as examples/fabric/train.py has trained it on Fashion-MNIST (padded to 32×32, the same in \
      three colours), quantized to 8 bits on images of the training set. Floats: ONNX Runtime on the file \
      that PyTorch wrote. Integers: packed C, which equals the integer reference bit for bit. Switches: eight \
      leaves, each layer on one of its own, and four spines. An answer is unlike the integer network's \
      when any of its outputs differs (of floats: when the class does).
      """,
    paper: nil,
    keys: [ways, folder, images, window, Common.repeats.with(1)],
    quick: { $0[images] = 200 },
    cells: { [StudyCell].one.times(ways, $0) },
    check: { plan in
      try Study.require(
        plan[ways].allSatisfy { Way(rawValue: $0) != nil }, "A way of the plan is not known.",
        remedy: "Use \(Way.allCases.map(\.rawValue).joined(separator: ", ")).")
    },
    course: .trials(.asListed) { plan, _ in
      let answers = try TestAnswers(plan[folder], images: plan[images], window: plan[window])
      return { cell, _ in
        guard let way = Way(rawValue: cell[ways]) else { return Reading() }
        return try answers.reading(way)
      }
    },
    metrics: [answered, accuracy, unlike],
    figures: [worth(.float), worth(.integer), worth(.fabric), loss, unlikeOnes],
    bounds: [
      Bound("answers of switches unlike the integer network's", .atMost(0), .ours),
      Bound("accuracy, switches", .atLeast(0.85), .ours),
      Bound("accuracy, integers less floats", .atLeast(-0.005), .ours),
    ],
    plots: [.bars("Accuracy", accuracy)])
}

/// The answers on a test set.
final class TestAnswers: @unchecked Sendable {
  private let trained: TrainedNetwork
  private let inputs: [[Int64]]
  private let window: Int
  /// Asked for where they are needed first; studies run one trial after another.
  private lazy var integers = Result { try packed() }

  init(_ folder: String, images: Int, window: Int) throws {
    trained = try TrainedNetwork(folder)
    guard images <= trained.images.count else {
      throw TestbedError(
        .badParameter, "\(folder) has \(trained.images.count) test images, not \(images).",
        remedy: "Give --set images=\(trained.images.count).")
    }
    inputs = trained.inputs(images)
    self.window = window
  }

  func reading(_ way: FabricAccuracy.Way) throws -> Reading {
    let integer = try integers.get()
    let labels: [Int]
    let unlike: Int
    switch way {
    case .float:
      labels = try floats().map(Self.label)
      unlike = zip(labels, integer).count { $0 != Self.label($1) }
    case .integer: (labels, unlike) = (integer.map(Self.label), 0)
    case .fabric:
      let answers = try fabric()
      labels = answers.map(Self.label)
      unlike = zip(answers, integer).count { $0 != $1 }
    }
    let right = zip(labels, trained.labels).count { $0 == $1 }
    return Reading([
      FabricAccuracy.answered: Double(labels.count),
      FabricAccuracy.accuracy: Double(right) / Double(labels.count), FabricAccuracy.unlike: Double(unlike),
    ])
  }

  /// The first of the largest.
  private static func label<Value: Comparable>(_ outputs: [Value]) -> Int {
    outputs.indices.max { outputs[$0] < outputs[$1] || (outputs[$0] == outputs[$1] && $0 > $1) } ?? 0
  }

  private func packed() throws -> [[Int64]] {
    let loaded = try NativeRuntime.packedOfAnySize.load(CompiledNetwork(trained.file))
    return try loaded.run(words: inputs)
  }

  private func floats() throws -> [[Float]] {
    let engine = try EngineList.named("onnxruntime")
    if let obstacle = engine.obstacle { throw obstacle }
    let model = try engine.load(.file(trained.path), options: EngineOptions())
    let input = TensorBuffer(.float32, model.inputs[0].shape(any: 1))
    let output = TensorBuffer(.float32, model.outputs[0].shape(any: 1))
    return try trained.images.prefix(inputs.count).map { image in
      image.withUnsafeBytes { input.bytes.copyMemory(from: $0) }
      try model.run(inputs: [input.view], outputs: [output.view])
      return output.floats
    }
  }

  private func fabric() throws -> [[Int64]] {
    let fabric = try StudyFabric(trained.file, leaves: 8, spines: 4, slots: window)
    return try FabricClient(fabric.names).infer(inputs, window: window).map(\.outputs)
  }
}
