import Foundation
import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedNF
import TestbedReport

/// A network trained on what streams in: the study `netml-table3`.
enum StreamTraining {
  enum Way: String, CaseIterable {
    case function, torch, torchChannelsLast = "torch-channels-last"

    var title: String {
      switch self {
      case .function: "trainer function"
      case .torch: "PyTorch"
      case .torchChannelsLast: "PyTorch, channels last"
      }
    }
  }

  static let ways = Axis("ways", "way", Way.allCases.map(\.rawValue), "Who trains.")
    .titled { Way(rawValue: $0)?.title ?? $0 }
  static let batches = Axis("batches", "batch", [50, 80, 100], in: 1...1_000, suffix: " a batch")
  static let images = Setting("images", 60_000, .atLeast, in: 1_000...60_000, "Of one epoch.")

  static let rate = Metric("images_per_second", "trained on", "images/s", places: 0)
  static let accuracy = Metric("accuracy", "accuracy on test images", places: 4)
  static let lost = Metric("lost", "batches that were not trained on", places: 0)

  static func at(_ way: Way, _ batch: Int) -> [Match] { [ways(way.rawValue), batches(batch)] }

  private static func gain(_ batch: Int) -> String { "\(batch) a batch: function over the faster PyTorch" }

  /// The same in each round: which of PyTorch's orders of memory was faster there.
  private static func faster(_ batch: Int) -> Figure {
    Figure(gain(batch)) { runs in
      let ratios = Set(runs.runs.map(\.round)).sorted().compactMap { round -> Double? in
        let own = runs.round(round)
        let torch = [Way.torch, .torchChannelsLast].compactMap { own.mean(rate, at($0, batch)) }.max()
        guard let function = own.mean(rate, at(.function, batch)), let torch, torch > 0 else { return nil }
        return function / torch
      }
      return Estimate(ratios)
    }
  }

  private static let sizes = [50, 80, 100]
  private static let paper = [50: 1.30, 80: 1.33, 100: 1.36]

  private static let difference = Figure("accuracy, function less PyTorch, all batches", places: 4) {
    $0.difference(
      accuracy, [ways(Way.function.rawValue)], less: [ways(Way.torch.rawValue)])
  }

  /// Where Python with torch is.
  static func torchPython() -> String {
    if let named = ProcessInfo.processInfo.environment["MEDULLA_TORCH_PYTHON"] { return named }
    return FileManager.default.isExecutableFile(atPath: ".venv-torch/bin/python3")
      ? ".venv-torch/bin/python3" : PythonInterpreter.path()
  }

  private static func checkTorch(_ python: String) throws {
    guard (try? ChildProcess.run([python, "-c", "import torch"], within: .seconds(120))) != nil else {
      throw TestbedError(
        .missingProgram, "The interpreter \(python) cannot import torch.",
        remedy: "Run python3 -m venv .venv-torch && .venv-torch/bin/pip install torch numpy, "
          + "or name an interpreter that has it in MEDULLA_TORCH_PYTHON.")
    }
  }

  static let study = Study(
    "netml-table3", "Training on a stream of images, beside PyTorch behind a socket.",
    discussion: """
      The paper's network on Fashion-MNIST for one epoch. Needs root, clang, Debian's dataset-fashion-mnist \
      (`make testbed`) and Python with torch (.venv-torch or MEDULLA_TORCH_PYTHON); twenty minutes, --quick \
      one.
      """,
    method: """
      60,000 images of 28×28 bytes in an order that the seed draws, whole batches over a veth pair, one \
      epoch; two convolutions, dropout, two dense layers, SGD at 0.01 with momentum 0.5, for both. Trainer \
      function: datagrams of 1,024 bytes into a chain, at most two batches on their way (one is trained on \
      while the next comes); the rate is from before the first packet is sent to the end of the last step. \
      PyTorch (torch_stream.py): whole batches from a TCP socket into a tensor without a copy, its own \
      choice of threads; the rate is from the first byte's arrival. Both of its orders of memory are \
      measured, and the faster of each round counts. Each starts from weights of its own, drawn by each \
      round's seed: accuracies differ by that, so that their mean over rounds and batches is compared. \
      Sender, host and training share two processors.
      """,
    paper: PaperFigure(
      "NetML, Table III",
      "Batch 50: 22,727 (A#2) and 29,585 (NetML) images/s; 80: 30,005 and 40,113; 100: 41,518 and 56,497.",
      "30.1%, 33.6% and 36% more, with an accuracy of 95%, 93% and 92% on MNIST."),
    keys: [batches, ways, images, Common.repeats.with(8)],
    quick: { ($0[batches], $0[images], $0[Common.repeats]) = ([50], 5_000, 1) },
    cells: { [StudyCell].one.times(batches, $0).times(ways, $0) },
    check: { plan in
      try Study.require(
        plan[ways].allSatisfy { Way(rawValue: $0) != nil }, "A way of the plan is not known.",
        remedy: "Use \(Way.allCases.map(\.rawValue).joined(separator: ", ")).")
    },
    course: .trials(.shuffled) { plan, _ in
      let python = torchPython()
      if plan[ways].contains(where: { $0 != Way.function.rawValue }) { try checkTorch(python) }
      let bench = try TrainingBench()
      return { cell, round in
        guard let way = Way(rawValue: cell[ways]) else { return Reading() }
        let seed = plan.seed(round: round)
        let outcome =
          switch way {
          case .function: try bench.function(batch: cell[batches], images: plan[images], seed: seed)
          case .torch, .torchChannelsLast:
            try bench.torch(
              batch: cell[batches], images: plan[images], seed: seed, python: python,
              isChannelsLast: way == .torchChannelsLast)
          }
        return Reading(
          [rate: outcome.imagesPerSecond, accuracy: outcome.accuracy, lost: Double(outcome.lost)],
          faults: outcome.lost > 0 ? ["\(outcome.lost) batches were not trained on"] : [])
      }
    },
    metrics: [rate, accuracy, lost], figures: sizes.map(faster) + [difference],
    bounds: sizes.map { Bound(gain($0), .atLeast(1.3), .ours, by: .interval) }
      + sizes.compactMap { size in
        paper[size].map { Bound(gain(size), .atLeast($0), .paper("NetML, Table III"), by: .interval) }
      } + [
        Bound("accuracy, function less PyTorch, all batches", .atLeast(-0.01), .ours, by: .interval),
        Bound("accuracy, function less PyTorch, all batches", .atMost(0.01), .ours, by: .interval),
      ],
    plots: [
      .bars("Images a second", rate, by: ways.part),
      .bars("Accuracy after an epoch", accuracy, by: ways.part),
    ])
}
