import MedullaBase
import MedullaDatapath
import MedullaFabric
import MedullaRuntime
import MedullaSnapshot
import TestbedLink
import TestbedMeasures
import TestbedReport

/// How long an inference takes in a fabric of switches, and how many there are a second, beside the same
/// integer network in one process: the study `fabric-latency`.
enum FabricLatency {
  /// Who computes.
  enum Way: String, CaseIterable {
    case fabric, packed, engine

    var title: String {
      switch self {
      case .fabric: "switches"
      case .packed: "packed C"
      case .engine: "the switches' code in a process"
      }
    }
  }

  static let networks = Axis(
    "networks", "network", [DrawnNetwork.miniAlexNet, .tiny, .small, .wide].map(\.rawValue),
    "Layers of the network.")
  static let ways = Axis("ways", "way", Way.allCases.map(\.rawValue), "Who computes.")
    .titled { Way(rawValue: $0)?.title ?? $0 }
  static let processors = Axis(
    "processors", "processors", [1, 2], in: 1...64, suffix: " processors")
  static let count = Setting(
    "count", 200, .atLeast, in: 8...1_000_000,
    "Inferences of a large network; of small ones fifty times so many.")
  static let window = Setting("window", 8, .atLeast, in: 1...64, "Inferences at once, for the rate.")

  static let p50 = Metric("p50_us", "an inference, p50", "µs", places: 1)
  static let p99 = Metric("p99_us", "an inference, p99", "µs", places: 1)
  static let rate = Metric("per_second", "inferences", "/s", places: 0)
  static let wrong = Metric("wrong", "wrong answers", places: 0)
  static let unit = Metric("unit_ns", "the shipped network in the kernel", "ns", places: 0)

  /// On the core that times are stated for (the unit of time of the project's figures).
  private static let statedUnit = 170.0

  static func at(_ network: DrawnNetwork, _ way: Way, _ count: Int) -> [Match] {
    [networks(network.rawValue), ways(way.rawValue), processors(count)]
  }

  private static func scaled(
    _ name: String, _ network: DrawnNetwork, _ count: Int, _ metric: Metric, isTime: Bool
  ) -> Figure {
    .byRound(name, places: isTime ? 1 : 0) { runs in
      let cell = at(network, .fabric, count)
      guard let value = runs.mean(metric, cell), let unit = runs.mean(unit, cell), unit > 0 else {
        return nil
      }
      return isTime ? value * statedUnit / unit : value * unit / statedUnit
    }
  }

  private static func ratio(_ name: String, _ count: Int, _ metric: Metric) -> Figure {
    Figure(name) {
      $0.ratio(metric, at(.miniAlexNet, .fabric, count), over: at(.miniAlexNet, .packed, count))
    }
  }

  private static var wrongOnes: Figure {
    Figure("wrong answers, all networks") { runs in
      let cells = DrawnNetwork.allCases.flatMap { network in
        [1, 2].map { at(network, .fabric, $0) }
      }
      let counts = cells.compactMap { runs.mean(wrong, $0) }
      return counts.isEmpty ? nil : Estimate(counts.reduce(0, +))
    }
  }

  static let study = Study(
    "fabric-latency", "Inferences in a fabric of XDP switches, beside the same network in one process.",
    discussion: """
      Leaves and spines are network namespaces with XDP programs; mini-AlexNet has a leaf for each layer. \
      Needs root and clang; five minutes, --quick one.
      """,
    method: """
      Weights are drawn at random; inputs too. p50 and p99: one inference at a time, from the first cell \
      that the client sends until the answer is there. The rate: several at once. Every answer is \
      compared with the reference interpreter's. Packed C: the kernel's own C with its packed weights, \
      compiled for this machine (-O2), on one thread; for the rate on as many as the fabric has \
      processors. The switches' code in a process: the same loops over the same memory without kernel, \
      wires and frames. Scaled: to a core on which the shipped network takes 170 ns in the kernel, by \
      that figure of the same run.
      """,
    paper: PaperFigure(
      "Distributed DNN Serving, §2", "Inference of mini-AlexNet in less than 2 ms (calculated)."),
    keys: [networks, processors, ways, count, window, Common.repeats.with(3)],
    quick: { ($0[count], $0[Common.repeats]) = (20, 1) },
    cells: { [StudyCell].one.times(networks, $0).times(processors, $0).times(ways, $0) },
    check: { plan in
      try Study.require(
        plan[networks].allSatisfy { DrawnNetwork(rawValue: $0) != nil }
          && plan[ways].allSatisfy { Way(rawValue: $0) != nil },
        "A network or a way of the plan is not known.",
        remedy: "Use networks of \(DrawnNetwork.allCases.map(\.rawValue).joined(separator: ", ")).")
    },
    course: .trials(.shuffled) { plan, context in
      let bench = try FabricBench(
        models: context.models, count: plan[count], window: plan[window])
      return { cell, _ in
        guard let network = DrawnNetwork(rawValue: cell[networks]), let way = Way(rawValue: cell[ways]) else {
          return Reading()
        }
        return try bench.reading(network, way, processors: cell[processors])
      }
    },
    metrics: [p50, p99, rate, wrong, unit],
    figures: [
      ratio("mini-AlexNet: p50 over packed C, one processor", 1, p50),
      ratio("mini-AlexNet: rate over packed C, one processor", 1, rate),
      ratio("mini-AlexNet: rate over packed C, two processors", 2, rate),
      scaled("mini-AlexNet: p50, two processors, scaled (µs)", .miniAlexNet, 2, p50, isTime: true),
      scaled("16-8-4-2: p50, scaled (µs)", .tiny, 1, p50, isTime: true),
      scaled("20-32-16-2: p50, scaled (µs)", .small, 1, p50, isTime: true),
      scaled("1024-512-16: p50, scaled (µs)", .wide, 1, p50, isTime: true),
      scaled("16-8-4-2: rate, scaled (/s)", .tiny, 1, rate, isTime: false),
      scaled("20-32-16-2: rate, scaled (/s)", .small, 1, rate, isTime: false),
      scaled("1024-512-16: rate, scaled (/s)", .wide, 1, rate, isTime: false),
      wrongOnes,
    ],
    bounds: [
      Bound("mini-AlexNet: p50 over packed C, one processor", .atMost(1.35), .ours, by: .interval),
      Bound("mini-AlexNet: rate over packed C, one processor", .atLeast(0.7), .ours, by: .interval),
      Bound("mini-AlexNet: rate over packed C, two processors", .atLeast(0.7), .ours, by: .interval),
      Bound(
        "mini-AlexNet: p50, two processors, scaled (µs)", .atMost(2_000),
        .paper("Distributed DNN Serving, §2"), by: .interval),
      Bound("16-8-4-2: p50, scaled (µs)", .atMost(60), .ours, by: .interval),
      Bound("20-32-16-2: p50, scaled (µs)", .atMost(60), .ours, by: .interval),
      Bound("1024-512-16: p50, scaled (µs)", .atMost(60), .ours, by: .interval),
      Bound("16-8-4-2: rate, scaled (/s)", .atLeast(20_000), .ours, by: .interval),
      Bound("20-32-16-2: rate, scaled (/s)", .atLeast(20_000), .ours, by: .interval),
      Bound("1024-512-16: rate, scaled (/s)", .atLeast(20_000), .ours, by: .interval),
      Bound("wrong answers, all networks", .atMost(0), .ours),
    ],
    plots: [.bars("An inference, p50", p50, scale: .logarithmic)])
}
