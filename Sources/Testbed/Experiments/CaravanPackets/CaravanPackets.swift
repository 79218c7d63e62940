import MedullaBase
import TestbedLink
import TestbedMeasures

/// Real packets through a classifier that learns from labels while it runs: the study `caravan-packets`.
enum CaravanPackets {
  /// What is measured.
  enum Part: String, CaseIterable {
    /// The stream, once: who said what of each flow.
    case stream
    /// Packets a second, with the daemon and without.
    case rate
  }

  static let parts = Axis(
    "parts", "part", Part.allCases.map(\.rawValue), "The stream's flows, or packets a second.")
  static let captures = Setting(
    "captures", "../shared/data/captures", .anything, "Captures with nDPI's results beside them.")
  static let packets = Setting("packets", 4, in: 1...100, "The packet at which a flow is decided.")
  static let pace = Setting("pace", 1_500, in: 100...100_000, "Packets of the stream a second.")
  static let margin = Setting(
    "margin", 0.2, in: 0...100, "By which the largest output leads; below, a flow goes to the larger network."
  )
  static let window = Setting("window", 50, in: 25...10_000, "Flows between two looks at the labels.")
  static let memory = Setting("memory", 6_000, in: 50...100_000, "Labelled flows of the past that are kept.")
  static let slices = Setting("slices", 100, .atLeast, in: 1...1_000, "Of each rate, in pairs.")
  static let sliceMs = Setting("slice_ms", 250, .atLeast, in: 50...60_000, "How long one is.")

  static let flows = Metric("flows", "flows", places: 0)
  static let kernelShare = Metric("kernel_share", "decided in the kernel")
  static let f1 = Metric("f1", "macro-F1 of what the flows got")
  static let largeF1 = Metric("large_f1", "macro-F1 of the larger network")
  static let frozenF1 = Metric("frozen_f1", "macro-F1 of the first network, frozen")
  static let frozenCascadeF1 = Metric("frozen_cascade_f1", "macro-F1 of the first, with the cascade")
  static let loss = Metric("loss", "larger network less ours")
  static let gain = Metric("gain", "ours less frozen")
  static let retrains = Metric("retrains", "trainings", places: 0)
  static let promotions = Metric("promotions", "snapshots that became active", places: 0)
  static let rollbacks = Metric("rollbacks", "taken back", places: 0)
  static let latency = Metric("latency_s", "window full to new snapshot, longest", "s")
  static let unanswered = Metric("unanswered_share", "unsure flows without an answer")
  static let frozenRate = Metric("frozen_kpps", "frozen", "k packets/s", places: 0)
  static let rate = Metric("kpps", "learning", "k packets/s", places: 0)
  static let rateRatio = Metric("rate_ratio", "learning over frozen, packets/s")
  static let rateRetrains = Metric("rate_retrains", "trainings meanwhile", places: 0)

  private static let stream = parts(Part.stream.rawValue)

  private static let figures: [Figure] = [
    .least("flows decided", flows, stream, places: 0),
    .mean("kernel_share", kernelShare, stream),
    .mean("larger network's macro-F1 less ours", loss, stream),
    .mean("ours less the frozen network's macro-F1", gain, stream),
    .most("window full to new snapshot, longest", latency, stream, places: 3),
    .mean("f1", f1, stream), .mean("large_f1", largeF1, stream), .mean("frozen_f1", frozenF1, stream),
    .mean("frozen_cascade_f1", frozenCascadeF1, stream),
    .least("snapshots that became active", promotions, stream, places: 0),
    .mean("unsure flows without an answer", unanswered, stream),
    .mean("packets a second, learning over frozen", rateRatio, parts(Part.rate.rawValue)),
  ]

  /// Written before anything was measured.
  private static let bounds = [
    Bound("flows decided", .atLeast(2_000), .ours),
    Bound("kernel_share", .atLeast(0.95), .ours, by: .interval),
    Bound("larger network's macro-F1 less ours", .atMost(0.02), .ours, by: .interval),
    Bound("ours less the frozen network's macro-F1", .atLeast(0.1), .ours, by: .interval),
    Bound("window full to new snapshot, longest", .atMost(2), .ours),
    Bound("snapshots that became active", .atLeast(2), .ours),
    Bound("packets a second, learning over frozen", .atLeast(0.97), .ours, by: .interval),
  ]

  static let study = Study(
    "caravan-packets", "Real packets through a classifier that learns from labels while it runs.",
    discussion: """
      Captures with nDPI's results beside them, sent over a veth pair into a classifier at XDP, with the \
      daemon, nDPI, lists of ports and a larger network as agents. Needs root, tcpreplay, libndpi and ONNX \
      Runtime in .venv (or MEDULLA_PYTHON); takes minutes a round, --quick about one in all.
      """,
    method: """
      Of each labelled TCP and UDP flow of the captures the first twenty packets are sent by tcpreplay, \
      those of eight captures side by side, in five phases whose mix of classes differs; in each phase flows \
      have other addresses. Categories of nDPI make five classes. A flow is decided at its fourth packet, or \
      before if it ends, by a network of 64 and 32 hidden units that knows neither ports nor times, trained \
      on the flows of the first phase's captures. Labels come from nDPI in a process of its own, from lists \
      of ports, and of flows whose margin is small from a network of 128 and 64 units, which was trained on \
      every second flow of all captures with the true labels: it is also what is compared with, asked about \
      every flow. The truth are nDPI's results beside the captures. All decisions are scored, those between \
      a change and its training too; a flow that the network was unsure of counts by the answer that it got, \
      and as missed without one. From the moment at which a window is full and its labels have been looked \
      at, until a new snapshot is active: the training's seconds, and from its record to that of the \
      promotion. The rate is that of frames of decided flows, which a sender of highest priority on a \
      processor of its own sends as fast as it can: to the classifier that learns, with all agents, new \
      flows at the stream's pace and a training in every window, and in turn, for a quarter of a second \
      each, to one at another interface that is frozen. The daemon works on meanwhile, in the turns of \
      both; senders begin anew after two pairs; the median of the pairs' ratios counts.
      """,
    keys: [parts, captures, packets, pace, margin, window, memory, slices, sliceMs, Common.repeats.with(3)],
    quick: { ($0[Common.repeats], $0[slices], $0[pace]) = (1, 20, 4_000) },
    cells: { [StudyCell].one.times(parts, $0) },
    check: { plan in
      try Study.require(
        plan[parts].allSatisfy { Part(rawValue: $0) != nil }, "A part of the plan is not known.",
        remedy: "Use \(Part.allCases.map(\.rawValue).joined(separator: ", ")).")
    },
    programs: ["tcpreplay"],
    course: .trials(.asListed) { plan, context in
      let course = try PacketCourse(plan, context)
      return { cell, round in
        switch Part(rawValue: cell[parts]) {
        case .rate: try course.rate(round: round)
        default: try course.stream(round: round)
        }
      }
    },
    metrics: [
      f1, largeF1, frozenF1, frozenCascadeF1, kernelShare, retrains, promotions, rollbacks, latency,
      unanswered,
      frozenRate, rate, rateRetrains,
    ],
    figures: figures, bounds: bounds,
    plots: [
      .bars("Macro-F1 of what the flows got", f1, mark: .dots),
      .bars("Macro-F1 of the larger network", largeF1, mark: .dots),
    ])
}
