import TestbedBaselines
import TestbedLink
import TestbedMeasures
import TestbedPackets
import TestbedReport

/// What a packet costs where a function decides about it, and how many there can be: the study `packet-rate`.
enum PacketRate {
  /// Where packets meet the function.
  enum Place: String, CaseIterable {
    case xdp, tc, native, oneCore = "one-core", ownCore = "own-core", twoCores = "two-cores", netlink

    var title: String {
      switch self {
      case .xdp: "XDP"
      case .tc: "tc"
      case .native: "native C"
      case .oneCore: "veth, one core"
      case .ownCore: "veth, receiver's own core"
      case .twoCores: "veth, two cores"
      case .netlink: "FFNN"
      }
    }

    var cases: [String] {
      switch self {
      case .xdp, .tc, .native: RateCase.allCases.map(\.rawValue)
      case .oneCore, .ownCore, .twoCores: RateCase.overLink.map(\.rawValue)
      case .netlink: [inKernel, emptyRun, overNetlink]
      }
    }
  }

  static let inKernel = "in kernel"
  static let overNetlink = "over netlink"
  static let emptyRun = "empty program"

  static let places = Axis(
    "places", "place", Place.allCases.map(\.rawValue), "Test runs at hooks, a process, links, and netlink."
  ).titled { Place(rawValue: $0)?.title ?? $0 }
  static let cases = Axis("cases", "case", RateCase.allCases.map(\.rawValue))
  static let readings = Setting("readings", 7, .atLeast, in: 1...60, "Of each warm time; the least counts.")
  static let packets = Setting("packets", 100_000, .atLeast, in: 1_000...10_000_000, "Of each reading.")
  static let coldRuns = Setting("cold_runs", 15, .atLeast, in: 1...1_000, "Packets behind emptied caches.")
  static let slices = Setting("slices", 5, .atLeast, in: 1...100, "Of each rate; the median counts.")
  static let sliceMs = Setting("slice_ms", 200.0, .atLeast, in: 20...10_000, "How long one is.")
  static let questions = Setting("questions", 2_000, .atLeast, in: 1...1_000_000, "Over netlink, each way.")

  static let warm = Metric("warm_ns", "warm", "ns", places: 1)
  static let cold = Metric("cold_ns", "cold", "ns", places: 0)
  static let received = Metric("received_mpps", "received", "M packets/s")
  static let sent = Metric("sent_mpps", "sent", "M packets/s")
  static let receiver = Metric("receiver_ns", "receiver's processor", "ns", places: 1)
  static let inferences = Metric("inferences_per_packet", "inferences a packet", "")
  static let median = Metric("p50_ns", "median", "ns", places: 0)

  private static func at(_ place: Place, _ measured: RateCase) -> [Match] {
    [places(place.rawValue), cases(measured.rawValue)]
  }

  private static func ratio(
    _ name: String, _ metric: Metric, _ first: [Match], over second: [Match]
  ) -> Figure {
    Figure(name) { $0.ratio(metric, first, over: second) }
  }

  private static let figures: [Figure] = [
    ratio(
      "receiver's own core: inference over drop, packets/s", received, at(.ownCore, .every),
      over: at(.ownCore, .none)),
    ratio(
      "receiver's own core: drop over inference, processor's time", receiver, at(.ownCore, .none),
      over: at(.ownCore, .every)),
    ratio(
      "one core: inference over drop, packets/s", received, at(.oneCore, .every), over: at(.oneCore, .none)),
    ratio(
      "two cores over one: inference, packets/s", received, at(.twoCores, .every),
      over: at(.oneCore, .every)),
    ratio("two cores over one: drop, packets/s", received, at(.twoCores, .none), over: at(.oneCore, .none)),
    Figure("inferences a packet over links, least") { runs in
      runs.of([cases(RateCase.every.rawValue)]).values(inferences).min().map { Estimate($0) }
    },
    ratio(
      "FFNN, median: netlink over in kernel", median,
      [places(Place.netlink.rawValue), cases(overNetlink)],
      over: [places(Place.netlink.rawValue), cases(inKernel)]),
    Figure("FFNN, median: netlink over in kernel less the test run's own time") { runs in
      func median(_ name: String) -> Double? {
        runs.mean(Self.median, [places(Place.netlink.rawValue), cases(name)])
      }
      guard let all = median(inKernel), let empty = median(emptyRun), let asked = median(overNetlink),
        all > empty
      else { return nil }
      return Estimate(asked / (all - empty))
    },
    ratio("hit, warm: XDP over native C", warm, at(.xdp, .hit), over: at(.native, .hit)),
    ratio("inference, warm: XDP over native C", warm, at(.xdp, .every), over: at(.native, .every)),
  ]

  /// Columns of the places that have the metric, and of no others.
  private static func bars(
    _ title: String, _ metric: Metric, at shown: [Place], scale: PlotAxis.Scale = .linear
  ) -> PlotRecipe {
    PlotRecipe(panels: { runs in
      func isShown(_ cell: StudyCell) -> Bool { shown.contains { cell.fits([places($0.rawValue)]) } }
      let own = StudyRuns(
        runs: runs.runs.filter { isShown($0.cell) }, plan: runs.plan, cells: runs.cells.filter(isShown))
      return PlotRecipe.bars(title, metric, by: places.part, scale: scale).draw(own)
    })
  }

  private static let measuring = """
    A packet of a decided flow is dispatched, parsed, looked up and counted. By test run a tc program that \
    does nothing takes 13 ns longer than one of XDP.
    """
  private static let dropping = """
    XDP that drops does not look at the packet. Beyond a drop's own time the receiver needs twice that time \
    to measure the flow, and twice again for the inference.
    """

  private static let asking = """
    19 to 23, by what else the machine does. Without the test run's own time, two fifths of what is \
    measured in the kernel, it is 28 to 36.
    """
  private static let carrying = """
    1.1 and 0.8 in two runs beside compilers. Frames come out of the other processor's cache; where one \
    processor does both it is 1.4.
    """

  /// Written before anything was measured; the explanations, after it.
  private static let bounds = [
    Bound(
      each: warm, in: at(.xdp, .hit), to: .atMost(100), .ours, by: .interval, judged: true,
      explanation: measuring),
    Bound(
      each: warm, in: at(.tc, .hit), to: .atMost(100), .ours, by: .interval, judged: true,
      explanation: measuring),
    Bound("FFNN, median: netlink over in kernel", .atLeast(20), .ours, by: .interval, explanation: asking),
    Bound(
      "receiver's own core: inference over drop, packets/s", .atLeast(0.5), .ours, by: .interval,
      explanation: dropping),
    Bound(
      "receiver's own core: drop over inference, processor's time", .atLeast(0.5), .ours, by: .interval,
      explanation: dropping),
    Bound(
      "one core: inference over drop, packets/s", .atLeast(0.5), .ours, by: .interval, judged: false,
      explanation: dropping),
    Bound(
      each: received, in: at(.ownCore, .every), to: .atLeast(1), .ours, by: .interval, judged: true,
      explanation: carrying),
    Bound(
      each: received, in: at(.oneCore, .every), to: .atLeast(1), .ours, by: .interval, judged: false,
      explanation: ""),
    Bound("two cores over one: inference, packets/s", .atLeast(1.8), .ours, by: .interval),
    Bound("two cores over one: drop, packets/s", .atLeast(1.8), .ours, by: .interval, judged: false),
    Bound("inferences a packet over links, least", .atLeast(0.999), .ours),
  ]

  static let study = Study(
    "packet-rate", "What a packet costs that a network decides about, and how many there can be.",
    discussion: """
      The classifier with a network of 16-8-4-2 by test run at XDP and tc, the same in C in a process, and \
      packets through a veth pair with native XDP. Needs root, a compiler and two processors; eight minutes, \
      --quick one.
      """,
    method: """
      Packets of 64 bytes (UDP over IPv4) and a classifier as `medulla attach` attaches it, its dispatcher \
      included; each packet is dropped once it is decided about. Test runs: BPF_PROG_TEST_RUN with one \
      packet many times; the least mean of several readings is warm. The median of single packets, each \
      behind a walk over twice the last cache's size, is cold, with the two looks at the clock of a single \
      run. Where flows take turns a program before the function writes another source address; what that \
      costs has its own row and is not taken off. A table has 16,384 flows; in a full one each packet is \
      looked up, not found and not added. The process does the same work with the same C and a table of \
      its own. Over links frames are made by test run (BPF_F_TEST_XDP_LIVE_FRAMES) and redirected into a \
      veth whose other end has native XDP; the receiving device counts. Cases alternate in slices, of \
      which the median counts. On one core a processor sends a batch of 64 and receives it, so making \
      frames is in the rate. With a core of its own a thread of the kernel's receives on processor 1 what \
      processor 0 sends, and can get no more than that; its processor's time is what it ran for each \
      packet. Two cores: each sends and receives a flow in a queue of its own. Senders, receivers and test \
      runs have real-time priority. FFNN (9-5-5-1) is asked as in fig15; of the ways over netlink the \
      fastest counts.
      """,
    keys: [places, readings, packets, coldRuns, slices, sliceMs, questions, Common.repeats.with(10)],
    quick: {
      ($0[readings], $0[packets], $0[coldRuns], $0[slices]) = (3, 20_000, 3, 1)
      ($0[sliceMs], $0[questions], $0[Common.repeats]) = (100, 200, 1)
    },
    cells: { plan in
      [StudyCell].one.times(places, plan).flatMap { cell in
        (Place(rawValue: cell[places])?.cases ?? []).map { cell.with(cases, $0) }
      }
    },
    check: { plan in
      try Study.require(
        plan[places].allSatisfy { Place(rawValue: $0) != nil }, "A place of the plan is not known.",
        remedy: "Use \(Place.allCases.map(\.rawValue).joined(separator: ", ")).")
    },
    course: .whole(
      count: { plan in
        plan.repeats * plan[places].reduce(0) { $0 + (Place(rawValue: $1)?.cases.count ?? 0) }
      },
      { plan, context, tell in try PacketRateCourse(plan, context).run(tell) }),
    metrics: [warm, cold, received, sent, receiver, median], figures: figures, bounds: bounds,
    plots: [
      bars(
        "A packet, warm, by test run and in a process", warm, at: [.xdp, .tc, .native], scale: .logarithmic),
      bars("A packet, cold", cold, at: [.xdp, .tc, .native], scale: .logarithmic),
      bars("Packets through a veth pair", received, at: [.oneCore, .ownCore, .twoCores]),
    ])
}
