import MedullaModel
import MedullaSnapshot
import TestbedReport

/// What integers cost in accuracy, over networks, schemes and output scales: the study `fig7`.
enum QuantizationLoss {
  static let networks = Axis(
    "networks", "network", ComparedNetwork.Kind.allCases.map(\.rawValue), mayBeEmpty: true,
    "Networks of the paper's applications.")
  static let files = Axis(
    "files", "network", [String](), mayBeEmpty: true,
    "Pairs net.onnx:samples.npy of an ONNX file and its calibration samples.")
  static let bits = Axis(
    "output_bits", "output_bits", [0, 2, 3, 5, 7, 10, 13, 16], in: 0...24,
    "Integer steps of the output's unit, as powers of two."
  )
  .titled { "C = \(Int(scale($0)))" }
  static let schemes = Axis(
    "schemes", "scheme", [QuantizationScheme.w8a8, .w8a16, .w16a16].map(\.rawValue),
    "Integers of weights and activations.")
  static let samples = Setting(
    "samples", 4_000, .atLeast, in: 100...100_000, "Samples of networks that are not shipped.")

  static let loss = Metric("mean_loss", "loss", places: 5)
  private static let p99 = Metric("p99_loss", "p99 of the loss", places: 5)

  private static func scale(_ bits: Int) -> Double { Double(sign: .plus, exponent: bits, significand: 1) }

  /// Bits of the scale nearest to the paper's 1000, and the scheme that `medulla compile` takes unless it is
  /// told otherwise.
  private static let usual = [schemes("w8a16"), bits(10)]

  private static func cells(_ plan: StudyPlan) -> [StudyCell] {
    (plan[networks] + plan[files]).flatMap { name in
      [StudyCell().with(networks, name)].times(schemes, plan).times(bits, plan)
    }
  }

  private static func network(_ name: String, _ plan: StudyPlan, round: Int, _ models: String) throws
    -> ComparedNetwork
  {
    if let kind = ComparedNetwork.Kind(rawValue: name) {
      // The shipped one is trained; of the others each round draws other weights.
      return kind.isDrawn
        ? try kind.drawn(samples: plan[samples], seed: plan.seed &+ UInt64(round) &* 1_000)
        : try ComparedNetwork.shipped(directory: models)
    }
    let parts = name.split { ",:".contains($0) }.map(String.init)
    return try ComparedNetwork.file(parts[0], parts[1])
  }

  static let fig7 = Study(
    "fig7", "Quantize networks with several output scales; see what accuracy is lost.",
    discussion: """
      The shipped network and seeded networks of the shapes of Aurora, MOCC, FFNN and a load balancer's MLP, \
      each in three integer schemes. Needs no root and takes a minute; --quick seconds. `--files \
      net.onnx:samples.npy` adds a network of your own.
      """,
    method: """
      Mean |integer − float| of the outputs on every fifth sample, which the quantizer does not see, over \
      the width of the float outputs' range. The output scale C is the number of integer steps of one unit \
      (2^bits; the paper's C = 1000 lies at 10 bits). The shipped network is trained and has observations of \
      its policy as samples; the others have weights drawn from N(0, 1/inputs) and normal inputs, anew in \
      each round.
      """,
    paper: PaperFigure(
      "Figure 7, §3.1", "Without output scaling an output in [0, 1] becomes 0 or 1.",
      "With proper scaling, such as 1000 times, quantization loses 2% accuracy on average."),
    keys: [networks, files, schemes, bits, samples, Common.repeats.with(5)],
    quick: { ($0[bits], $0[samples], $0[Common.repeats]) = ([0, 5, 10, 16], 1_000, 2) }, cells: cells,
    check: { plan in
      let kinds = ComparedNetwork.Kind.allCases.map(\.rawValue)
      try Study.require(
        plan[networks].allSatisfy(kinds.contains)
          && plan[schemes].allSatisfy { QuantizationScheme(rawValue: $0) != nil },
        "A network or an integer scheme of the plan is not known.",
        remedy: "Use \(kinds.joined(separator: ", ")); \(schemes.standard.joined(separator: ", ")).")
      try Study.require(
        plan[files].allSatisfy { $0.split { ",:".contains($0) }.count == 2 },
        "A file of the plan is no network and its samples.", remedy: "Write net.onnx:samples.npy.")
    },
    course: .trials(.asListed) { plan, context in
      { cell, round in
        let network = try network(cell[networks], plan, round: round, context.models)
        let calibration = Calibration(samples: network.samples)
        let options = QuantizerOptions(
          scheme: QuantizationScheme(rawValue: cell[schemes]) ?? .w8a16, outputFractionBits: cell[bits])
        let snapshot = try Quantizer(options).quantize(network.network, calibration)
        let report = try AccuracyReport(snapshot, network.network, calibration).heldOut
        return Reading([loss: report.meanRelative, p99: report.p99Relative])
      }
    },
    metrics: [loss],
    figures: [
      meanLoss("mean loss without output scale (C = 1)", "w8a16", bits: 0),
      meanLoss("mean loss at C = 1024", "w8a16", bits: 10),
      meanLoss("mean loss at C = 1024, w8a8", "w8a8", bits: 10),
      meanLoss("mean loss at C = 1024, w16a16", "w16a16", bits: 10),
    ],
    bounds: [
      Bound("mean loss at C = 1024", .atMost(0.02), .paper("§3.1")),
      Bound(each: loss, usual[0], usual[1], to: .atMost(0.02), .paper("§3.1"), by: .interval),
    ],
    plots: [
      plot(
        "Weights of 8 bits, activations of 16 (the usual scheme), by network", by: networks.part, usual[0]),
      plot("All networks, by scheme", by: schemes.part),
    ])

  /// Each network counts once, however many rounds it has.
  private static func meanLoss(_ name: String, _ scheme: String, bits count: Int) -> Figure {
    Figure(name, places: 5) { runs in
      Estimate(runs.of([schemes(scheme), bits(count)]).means(loss).map(\.value)).map { Estimate($0.value) }
    }
  }

  private static func plot(_ title: String, by part: String, _ group: Match...) -> PlotRecipe {
    PlotRecipe { runs in
      let lines = runs.of(group).series(part).enumerated().map { index, line in
        let points = line.runs.plan[bits].sorted().compactMap { count in
          line.runs.mean(loss, [bits(count)]).map { Plot.Point(scale(count), max($0 * 100, 1e-4)) }
        }
        return Plot.Series(line.title, color: index, points: points)
      }
      return [
        Plot(
          title, x: PlotAxis("output scale C (integer steps of one unit)", scale: .logarithmic),
          y: PlotAxis("mean loss (% of range)", scale: .logarithmic), series: lines,
          rules: [.init(.y, at: 2, "the paper's 2%"), .init(.x, at: 1000, "C = 1000")])
      ]
    }
  }
}
