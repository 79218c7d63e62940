import MedullaBase
import TestbedLink
import TestbedMeasures

/// Categories of real traffic, told by a network in integers: the study `capture-applications`.
enum CaptureApplications {
  static let variants = Axis(
    "variants", "variant", ApplicationInputs.Variant.allCases.map(\.rawValue),
    "What the network is told: behaviour, ports too, or behaviour with shuffled labels.")
  static let captures = Setting(
    "captures", "../shared/data/captures", .anything, "Captures with nDPI's results beside them.")
  static let train = Setting(
    "train", "", .anything, "Captures to learn from, with `test`; no split is drawn.")
  static let test = Setting("test", "", .anything, "Captures to judge by, with `train`.")
  static let packets = Setting("packets", 10, in: 1...1_000, "The packet at which a flow is decided.")
  static let leastCaptures = Setting(
    "least_captures", 10, in: 2...1_000, "Captures with a decided flow that a category needs.")
  static let testShare = Setting("test_share", 0.3, in: 0.05...0.95, "Of the captures, for the test.")
  static let epochs = Setting("epochs", 100, in: 1...10_000, "Passes over the flows in training.")

  static let macroF1 = Metric("macro_f1", "macro-F1")
  static let floatF1 = Metric("float_macro_f1", "macro-F1 in floats")
  static let treeF1 = Metric("tree_macro_f1", "macro-F1 of the tree")
  static let aboveTree = Metric("above_tree", "above the tree")
  static let change = Metric("quantization_change", "change by quantization", places: 4)
  static let withPending = Metric("macro_f1_with_pending", "macro-F1, undecided flows missed")
  static let pendingShare = Metric("pending_share", "undecided flows")
  static let guessedShare = Metric("guessed_share", "labels by port")
  static let categories = Metric("categories", "categories", places: 0)
  static let trainingFlows = Metric("training_flows", "flows learned from", places: 0)
  static let testFlows = Metric("test_flows", "flows judged", places: 0)
  static let asked = Metric("kernel_asked", "flows that the kernel was asked", places: 0)
  static let different = Metric("kernel_different", "of them not the interpreter's bits", places: 0)

  private static let judged = variants("behaviour")
  private static let shuffled = variants("shuffled")

  /// The paired difference's lower end; nil of a single split.
  ///
  /// - Parameter factor: by which the interval is wider, for so many splits.
  private static func lowerEnd(
    _ name: String, _ group: Match,
    widened factor: @escaping @Sendable (StudyRuns, Int) -> Double = { _, _ in 1 }
  ) -> Figure {
    Figure(name) { runs in
      let values = runs.of([group]).values(aboveTree)
      guard let half = Statistics.halfInterval(values) else { return nil }
      return Estimate(Statistics.mean(values) - half * factor(runs, values.count))
    }
  }

  private static func deviation(_ name: String, _ metric: Metric) -> Figure {
    Figure(name) { runs in
      let values = runs.of([judged]).values(metric)
      return values.isEmpty ? nil : Estimate(Statistics.deviation(values))
    }
  }

  private static let figures: [Figure] = [
    .least("categories told apart", categories, judged, places: 0),
    lowerEnd("network above the tree, lower end of the interval", judged),
    lowerEnd("with ports: network above the tree, lower end", variants("ports")),
    // Splits of the same captures overlap (Nadeau and Bengio, 2003, corrected resampled t-test).
    lowerEnd("network above the tree, lower end for overlapping splits", judged) { runs, count in
      let share = runs.plan[testShare]
      return (1 + Double(count) * share / (1 - share)).squareRoot()
    },
    deviation("network's macro-F1, deviation over splits", macroF1),
    deviation("tree's macro-F1, deviation over splits", treeF1),
    .mean("quantization's change of macro-F1", change, judged, places: 4),
    Figure("shuffled labels, macro-F1 over chance") { runs in
      let own = runs.of([shuffled]).runs.compactMap { run in
        run[macroF1].flatMap { score in run[categories].map { score * $0 } }
      }
      return Estimate(own)
    },
    .sum("flows that the kernel was asked", asked),
    .sum("of them not the interpreter's bits", different),
  ]

  /// Written before anything was measured.
  private static let bounds = [
    Bound("categories told apart", .atLeast(8), .ours),
    Bound(
      "network above the tree, lower end of the interval", .atLeast(-0.05), .ours,
      explanation: """
        From some 600 flows of 200 captures the tree learns what holds for other captures better than the \
        network does, mostly of VoIP, IoT-Scada and Chat; for VPN it is the other way round.
        """),
    Bound("with ports: network above the tree, lower end", .atLeast(-0.05), .ours, judged: false),
    Bound("network above the tree, lower end for overlapping splits", .atLeast(-0.05), .ours, judged: false),
    Bound("quantization's change of macro-F1", .atMost(0.01), .ours),
    Bound("shuffled labels, macro-F1 over chance", .atMost(2), .ours),
    Bound("flows that the kernel was asked", .atLeast(1), .ours),
    Bound("of them not the interpreter's bits", .atMost(0), .ours),
  ]

  static let study = Study(
    "capture-applications",
    "Categories of real traffic by a flow's first packets, against a boosted tree.",
    discussion: """
      Needs captures with nDPI's results beside them, scikit-learn in .venv (or MEDULLA_PYTHON) for the tree \
      and root for the kernel's answers; without one of the two there is no verdict. Takes minutes; --quick \
      less than one.
      """,
    method: """
      Flows are measured as in the kernel, and decided at their tenth packet, or before if they end by FIN \
      or RST; labels are nDPI's categories, of those with decided flows in enough captures. Captures that \
      show the same flows are one group, and groups are drawn for training or for the test, category by \
      category; the two never share a capture. The network (32 and 16 hidden units with ReLU, each \
      category of the same weight) is quantized and judged by the reference interpreter; the tree has the \
      same rows, weights and splits. Each category's series is: groups, decided and undecided flows of all \
      captures, flows judged, F1, the tree's F1. The first split's network is asked in the kernel about \
      every decided flow of all captures. With `train` and `test` rounds differ by the network's first \
      weights only.
      """,
    keys: [
      variants, captures, train, test, packets, leastCaptures, testShare, epochs, Common.repeats.with(10),
    ],
    quick: { ($0[Common.repeats], $0[epochs]) = (2, 20) },
    cells: { [StudyCell].one.times(variants, $0) },
    check: { plan in
      let known = ApplicationInputs.Variant.allCases.map(\.rawValue)
      try Study.require(
        plan[variants].allSatisfy(known.contains), "A variant of the plan is not known.",
        remedy: "Use \(known.joined(separator: ", ")).")
      try Study.require(
        plan[train].isEmpty == plan[test].isEmpty, "Of train and test only one is given.",
        remedy: "Give both directories, or neither.")
    },
    course: .trials(.asListed) { plan, context in
      let measurement = try ApplicationMeasurement(plan, context)
      return { cell, round in try measurement.measure(cell[variants], round: round) }
    },
    metrics: [macroF1, treeF1, floatF1, withPending, pendingShare, guessedShare, trainingFlows, testFlows],
    figures: figures, bounds: bounds,
    plots: [
      .bars("Macro-F1 of the network, by split", macroF1, mark: .dots),
      .bars("Macro-F1 of the tree, by split", treeF1, mark: .dots),
    ])
}
