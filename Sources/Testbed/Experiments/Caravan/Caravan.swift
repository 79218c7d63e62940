import Foundation
import MedullaBase
import MedullaRetraining
import TestbedLink
import TestbedMeasures
import TestbedReport

/// Rows of labelled flows replayed: frozen, trained in every window, trained when it must: the study
/// `caravan`.
enum Caravan {
  static let flows = Setting(
    "flows", "../shared/data/flows/cic-ids2017-workload1.csv", .anything, "The rows, as CSV.")
  static let label = Setting("label", "label", .anything, "The column of the label, 0 or 1.")
  static let inputs = Axis(
    "inputs", "inputs", ["behaviour", "ports"], "Without the destination port, or with it.")
  static let orders = Axis(
    "orders", "order", ["recorded", "interleaved"], "As recorded, or so that conditions come back.")
  static let windows = Axis(
    "windows", "window", [50, 70, 100, 130, 200], in: 25...1_000, "Rows of a window.")
  static let bootstrap = Setting("bootstrap", 1_000, in: 100...100_000, "First rows, which are not scored.")
  static let rows = Setting("rows", 0, in: 0...1e9, "The first rows only; 0: all.")
  static let epochs = Setting("epochs", 20, in: 1...1_000, "Passes of a triggered training.")
  static let continuousEpochs = Axis(
    "continuous_epochs", "continuous_epochs", [1, 2, 5, 10, 20], in: 1...1_000,
    "Passes of each window's training: the cheapest within 0.01 of the best is compared with.")
  static let said = Setting(
    "said", false, .anything, "Also each scored row's truth and what was said of it, for a referee.")

  static let offline = Metric("offline_f1", "offline macro-F1")
  static let continuous = Metric("continuous_f1", "continuous macro-F1")
  static let triggered = Metric("triggered_f1", "triggered macro-F1")
  static let retrains = Metric("retrains", "trainings", places: 1)
  static let compute = Metric("compute_over_continuous", "compute over the cheapest good continuous")
  static let equalCompute = Metric("compute_at_equal_settings", "compute over continuous, same settings")
  static let labels = Metric("labels_share", "rows labelled")
  static let gain = Metric("triggered_over_offline", "triggered over offline")
  static let loss = Metric("continuous_less_triggered", "continuous less triggered")
  static let refused = Metric("refused", "trainings refused", places: 1)
  static let unproven = Metric("unproven", "trainings without proven integers", places: 1)

  static let judged = [inputs("behaviour"), orders("recorded"), windows(100)]
  static let ported = [inputs("ports"), orders("recorded"), windows(100)]

  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    [StudyCell].one.times(inputs, plan).times(orders, plan).times(windows, plan).filter {
      $0[orders] == "recorded" || $0[windows] == 100
    }
  }

  /// The mean over seeds, of one group.
  private static func mean(_ name: String, _ metric: Metric, _ group: [Match] = judged) -> Figure {
    Figure(name, places: metric.places) { $0.estimate(metric, group) }
  }

  private static func worst(
    _ name: String, _ metric: Metric, _ group: [Match], largest: Bool = false
  ) -> Figure {
    Figure(name, places: metric.places) { runs in
      let values = runs.of(group).values(metric)
      return (largest ? values.max() : values.min()).map { Estimate($0) }
    }
  }

  private static let figures: [Figure] = [
    mean("offline_f1", offline), mean("continuous_f1", continuous), mean("triggered_f1", triggered),
    mean("retrains", retrains), mean("compute_over_continuous", compute), mean("labels_share", labels),
    mean("compute at equal settings", equalCompute),
    mean("continuous less triggered", loss),
    worst("triggered over offline, worst seed", gain, judged),
    worst("triggered_f1, worst seed", triggered, judged),
    Figure("triggered_f1, deviation over seeds") { runs in
      let values = runs.of(judged).values(triggered)
      return values.isEmpty ? nil : Estimate(Statistics.deviation(values))
    },
    mean("with port: triggered_f1", triggered, ported), mean("with port: retrains", retrains, ported),
    worst("with port: triggered over offline, worst seed", gain, ported),
    mean("with port: continuous less triggered", loss, ported),
    Figure("any window: continuous less triggered") { runs in
      runs.of([inputs("behaviour"), orders("recorded")]).means(loss).map(\.value).max().map { Estimate($0) }
    },
    mean(
      "interleaved: continuous less triggered", loss,
      [inputs("behaviour"), orders("interleaved"), windows(100)]),
  ]

  private static let shared = [
    Bound("continuous less triggered", .atMost(0.015), .ours, by: .interval),
    Bound("any window: continuous less triggered", .atMost(0.015), .ours),
    Bound("interleaved: continuous less triggered", .atMost(0.015), .ours, by: .interval),
    Bound("compute_over_continuous", .atMost(0.387), .ours, by: .interval),
    Bound("compute at equal settings", .atMost(0.25), .ours, by: .interval),
  ]
  private static let ofPorts = [
    Bound("with port: triggered over offline, worst seed", .atLeast(1.3), .ours),
    Bound("with port: triggered_f1", .atLeast(0.94), .ours, by: .interval),
    Bound("with port: retrains", .atMost(10), .ours),
    Bound("with port: continuous less triggered", .atMost(0.015), .ours, by: .interval),
  ]

  private static func study(
    _ name: String, _ title: String, _ file: String, inputs own: [String], bounds: [Bound]
  ) -> Study {
    let withPorts = own.contains("ports")
    return Study(
      name, title,
      discussion: """
        Needs the rows of the Caravan artifact (`--set flows=FILE --set label=COLUMN`), or another table of \
        numbers with a label of 0 and 1; bounds are about the rows named by default. No root; minutes in a \
        release build.
        """,
      method: """
        Prequential: the integers in use decide each window's rows, then its labels may be learned from. \
        Rows after the first 1,000 are scored, by macro-F1 over both classes, decided by the reference \
        interpreter. Features are sign(x)·ln(1+|x|), standardized by the first 1,000 rows alone. Offline is \
        trained on those (a fifth held out to stop by) and frozen; continuous trains in every window; \
        triggered by drift of inputs and disagreement with labels. Compute is counted in \
        multiply-accumulates, histograms and the guard included. Interleaved puts second halves of all \
        blocks of 1,000 after all first halves.
        """,
      keys: [
        flows.with(file), label, inputs.with(own), orders, windows, bootstrap, rows, epochs, continuousEpochs,
        said, Common.repeats.with(5),
      ],
      quick: { ($0[windows], $0[orders], $0[Common.repeats], $0[rows]) = ([100], ["recorded"], 1, 1_500) },
      cells: cells,
      whole: { plan in
        plan[rows] == 0
          && plan[flows].split(separator: "/").last == file.split(separator: "/").last
      },
      course: .trials(.asListed) { plan, context in
        let replay = CaravanReplay(plan, narrate: context.narrate)
        return { cell, round in try replay.measure(cell, round: round) }
      },
      metrics: [offline, continuous, triggered, retrains, compute, labels],
      figures: figures.filter { withPorts || !$0.name.hasPrefix("with port") }, bounds: bounds,
      plots: [CaravanPlots.course, CaravanPlots.labels, CaravanPlots.scores])
  }

  static let cic = study(
    "caravan", "Rows replayed: a classifier that is trained anew when it must be.",
    "../shared/data/flows/cic-ids2017-workload1.csv", inputs: inputs.standard,
    bounds: [
      Bound("triggered over offline, worst seed", .atLeast(1.3), .ours),
      Bound("triggered_f1", .atLeast(0.88), .ours, by: .interval), Bound("retrains", .atMost(10), .ours),
    ] + shared + ofPorts)

  static let unsw = study(
    "caravan-unsw", "The same with the rows of UNSW-NB15.",
    "../shared/data/flows/unsw-nb15-workload1.csv", inputs: ["behaviour"],
    bounds: [Bound("triggered over offline, worst seed", .atLeast(1.2), .ours)] + shared)
}
