import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedNF
import TestbedReport

/// More objects than a network can answer: the studies `nf-overload` and `nf-overload-services`.
enum Overload {
  enum Load: String, CaseIterable {
    case capacity, twice, unadmitted

    var title: String {
      switch self {
      case .capacity: "one after another"
      case .twice: "twice the capacity"
      case .unadmitted: "twice the capacity, all admitted"
      }
    }
  }

  static let loads = Axis("loads", "load", Load.allCases.map(\.rawValue), "How objects come.")
    .titled { Load(rawValue: $0)?.title ?? $0 }
  static let seconds = Setting("load_seconds", 15.0, .atLeast, in: 1...600, "Of each load.")
  static let boundMs = Setting(
    "bound_ms", 500, in: 1...60_000, "How long an admitted object may wait.")

  static let boundServices = Setting(
    "bound_services", 5.0, .atLeast, in: 1...100, "How long an admitted object may wait, in service times.")

  static let goodput = Metric("goodput", "answered", "objects/s", places: 2)
  static let p50 = Metric("p50_ms", "latency, p50", "ms", places: 1)
  static let p99 = Metric("p99_ms", "latency, p99", "ms", places: 1)
  static let refused = Metric("refused", "refused at the first packet", places: 0)
  static let expired = Metric("expired", "expired", places: 0)
  static let lateness = Metric("p99_over_bound", "latency at p99 over the bound", places: 3)
  static let wrong = Metric("wrong", "wrong answers", places: 0)

  private static func at(_ load: Load) -> [Match] { [loads(load.rawValue)] }

  private static let coarse = """
    The bound was written for an image in 80 ms. Where one takes 290 ms, hardly a second may wait in 500, \
    and the engine idles between them; one that takes longer than those before it is over the bound at once.
    """

  static let study = Study(
    "nf-overload", "Images at twice the rate that VGG-11 can answer.",
    discussion: """
      VGG-11 with drawn weights on one thread, by the inference function. Needs root, clang, ONNX Runtime, \
      and onnx and NumPy in .venv (or MEDULLA_PYTHON); five minutes.
      """,
    method: """
      Capacity: an image is sent when one is answered, two on their way. Then a chain with `bound_ms: 500` \
      gets images at twice that rate, evenly, each in 588 datagrams; and one without a bound the same. Four \
      images take turns; an answer is wrong unless its largest output is the engine's own for that image \
      (within 0.1%). Goodput: answers while images come, over that time. Latency: from an image's first \
      packet to its answer, of those that are answered. Sender, host, function and network share two \
      processors.
      """,
    keys: [loads, seconds, boundMs, Common.repeats.with(3)],
    quick: { ($0[seconds], $0[Common.repeats]) = (2, 1) },
    cells: { [StudyCell].one.times(loads, $0) },
    check: check, course: course { plan, _ in plan[boundMs] },
    metrics: [goodput, p50, p99, refused, expired, wrong], figures: figures,
    bounds: [
      Bound(
        "twice the capacity: goodput over capacity", .atLeast(0.95), .ours, by: .interval, explanation: coarse
      ),
      Bound(
        each: p99, loads(Load.twice.rawValue), to: .atMost(500), .ours, by: .interval, explanation: coarse),
      Bound(each: wrong, to: .atMost(0), .ours),
      Bound("all admitted over admission: latency at p99", .atLeast(1), .ours, by: .interval, judged: false),
    ],
    plots: plots)

  /// `nf-overload` held its bound in milliseconds to be many service times, which it was not everywhere.
  static let services = Study(
    "nf-overload-services", "Images at twice the rate that VGG-11 can answer, bounded in service times.",
    discussion: """
      VGG-11 with drawn weights on one thread, by the inference function. Needs root, clang, ONNX Runtime, \
      and onnx and NumPy in .venv (or MEDULLA_PYTHON); six minutes.
      """,
    method: """
      As nf-overload, but `bound_ms` is five service times, of which the first load of each round measures \
      the mean: one over its objects a second. Where all are admitted, latency is held against the same bound.
      """,
    keys: [loads, seconds.with(30), boundServices, Common.repeats.with(4)],
    quick: { ($0[seconds], $0[Common.repeats]) = (3, 1) },
    cells: { [StudyCell].one.times(loads, $0) },
    check: check, course: course { plan, capacity in capacity.map { Int(plan[boundServices] / $0 * 1e3) } },
    metrics: [goodput, p50, p99, lateness, refused, expired, wrong], figures: figures,
    bounds: [
      Bound("twice the capacity: goodput over capacity", .atLeast(0.95), .ours, by: .interval),
      Bound(each: lateness, loads(Load.twice.rawValue), to: .atMost(1), .ours, by: .interval),
      Bound(each: wrong, to: .atMost(0), .ours),
      Bound("all admitted over admission: latency at p99", .atLeast(1), .ours, by: .interval, judged: false),
    ],
    plots: plots)

  private static let check: @Sendable (StudyPlan) throws -> Void = { plan in
    try Study.require(
      plan[loads].first == Load.capacity.rawValue && plan[loads].allSatisfy { Load(rawValue: $0) != nil },
      "The capacity must be measured first.",
      remedy: "Use loads \(Load.allCases.map(\.rawValue).joined(separator: ", ")).")
  }

  /// - Parameter bound: milliseconds that an object may wait, by the plan and the objects a second that can
  ///   be answered, which are nil while they are measured; nil: as long as it likes.
  private static func course(_ bound: @escaping @Sendable (StudyPlan, Double?) -> Int?) -> Study.Course {
    .trials(.asListed) { plan, _ in
      let networks = try SeededNetworks([.vgg11], python: PythonInterpreter.path(), seed: plan.seed)
      let bench = try OverloadBench(
        model: networks.path(.vgg11), of: networks, imageBytes: SeededNetworks.Name.vgg11.imageBytes)
      var capacity = 1.0
      return { cell, _ in
        guard let load = Load(rawValue: cell[loads]) else { return Reading() }
        let most = bound(plan, load == .capacity ? nil : capacity)
        let outcome = try bench.run(
          perSecond: load == .capacity ? nil : 2 * capacity, bound: load == .unadmitted ? nil : most,
          seconds: plan[seconds])
        if load == .capacity { capacity = max(outcome.goodput, 0.1) }
        return Reading([
          goodput: outcome.goodput, p50: outcome.p50, p99: outcome.p99,
          lateness: most.map { outcome.p99 / Double($0) }, refused: Double(outcome.refused),
          expired: Double(outcome.expired), wrong: Double(outcome.wrong),
        ])
      }
    }
  }

  private static let figures = [
    Figure("twice the capacity: goodput over capacity") {
      $0.ratio(goodput, at(.twice), over: at(.capacity))
    },
    Figure("twice the capacity, all admitted: goodput over capacity") {
      $0.ratio(goodput, at(.unadmitted), over: at(.capacity))
    },
    Figure("all admitted over admission: latency at p99") {
      $0.ratio(p99, at(.unadmitted), over: at(.twice))
    },
  ]
  private static let plots: [PlotRecipe] = [
    .bars("Objects answered", goodput), .bars("Latency at p99", p99),
  ]
}
