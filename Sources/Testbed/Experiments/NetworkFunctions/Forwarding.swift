import MedullaBase
import MedullaNF
import TestbedLink
import TestbedMeasures
import TestbedNF
import TestbedReport

/// Frames through chains of network functions: the studies `nf-forward` and `netml-table2`.
enum Forwarding {
  /// Who takes the frames.
  enum Way: String, CaseIterable {
    case xdp, one = "1", oneByHost = "1-by-host", two = "2", three = "3", testPMD = "testpmd"

    var title: String {
      switch self {
      case .xdp: "XDP alone"
      case .one: "1 function"
      case .oneByHost: "1 function, frames by the host"
      case .two: "2 functions"
      case .three: "3 functions"
      case .testPMD: "DPDK's testpmd"
      }
    }

    var forwarder: Forwarder {
      switch self {
      case .xdp: .kernel
      case .one: .functions(1, ownRings: true)
      case .oneByHost: .functions(1, ownRings: false)
      case .two: .functions(2, ownRings: true)
      case .three: .functions(3, ownRings: true)
      case .testPMD: .testPMD
      }
    }
  }

  /// What becomes of frames at the end.
  enum End: String, CaseIterable {
    case released, sent
  }

  static let ways = Axis("ways", "way", Way.allCases.map(\.rawValue), "Who takes the frames.")
    .titled { Way(rawValue: $0)?.title ?? $0 }
  static let sizes = Axis("sizes", "size", [64, 256, 512, 1_024], in: 60...1_500, suffix: " B")
  static let ends = Axis(
    "ends", "end", End.allCases.map(\.rawValue), "Released where they end, or sent out of another device.")
  static let pages = Axis("pages", "pages", ["normal", "huge"], "Of packet memory.")
    .titled { "\($0) pages" }
  static let slices = Setting("slices", 3, .atLeast, in: 1...100, "Of each rate; the median counts.")
  static let sliceMs = Setting("slice_ms", 400.0, .atLeast, in: 20...10_000, "How long one is.")
  static let paceMs = Setting("pace_ms", 500.0, .atLeast, in: 20...10_000, "How long frames come slowly.")

  static let received = Metric("received_mpps", "through", "M packets/s")
  static let sent = Metric("sent_mpps", "generated", "M packets/s")
  static let rate = Metric("gbps", "through", "Gb/s", places: 2)
  static let p50 = Metric("p50_us", "latency, p50", "µs", places: 1)
  static let p99 = Metric("p99_us", "latency, p99", "µs", places: 1)
  static let p999 = Metric("p999_us", "latency, p99.9", "µs", places: 1)

  static func at(_ way: Way, _ size: Int, _ end: End) -> [Match] {
    [ways(way.rawValue), sizes(size), ends(end.rawValue)]
  }

  private static func ratio(
    _ name: String, _ first: [Match], over second: [Match], _ metric: Metric = received
  ) -> Figure {
    Figure(name) { $0.ratio(metric, first, over: second) }
  }

  static func effort(_ plan: StudyPlan) -> ForwardEffort {
    ForwardEffort(
      sliceSeconds: plan[sliceMs] / 1_000, slices: plan[slices], paceSeconds: plan[paceMs] / 1_000)
  }

  static func reading(_ measured: ForwardRate, size: Int) -> Reading {
    var reading = Reading([
      received: measured.received / 1e6, sent: measured.sent / 1e6,
      rate: measured.received * Double(size) * 8 / 1e9,
    ])
    if let latency = measured.latency {
      (reading[p50], reading[p99]) = (Double(latency.p50) / 1e3, Double(latency.p99) / 1e3)
      reading[p999] = Double(latency.p999) / 1e3
    }
    return reading
  }

  private static let demultiplexing = """
    The processor that makes the frames is the limit, and loses none: a drop takes it 0.25 µs, DPDK's own \
    program with the kernel's copy 0.58, the demultiplexer with the same copy 0.99.
    """

  static let study = Study(
    "nf-forward", "Frames through no, one, two and three network functions.",
    discussion: """
      A chain over a veth pair, its functions unprivileged processes, beside XDP alone and DPDK's testpmd. \
      Needs root, clang and two processors; testpmd (`make testbed`) is measured where it is there. Ten \
      minutes, --quick half one.
      """,
    method: """
      Frames of UDP are made by test run (BPF_F_TEST_XDP_LIVE_FRAMES) on processor 0 at real-time priority \
      and redirected into a veth pair; that processor also runs the XDP program at the other end, and copies \
      frames into packet memory. Host and functions, processes of user nobody without capabilities, share \
      processor 1 and yield when nothing is there. Released: the last function returns the frame, and its \
      count over the generator's is the share that came through. Sent: the frame goes out of another veth \
      pair, whose other end drops and counts it. XDP alone drops frames (released) or redirects them (sent). \
      testpmd has net_af_xdp and the same processor, in modes rxonly and io. Rates are medians of slices. \
      Latency: from reception to the last function's return, of frames that come every 50 µs, before the \
      flood. Frames by the host: the same with a function that has no receive ring of its own.
      """,
    keys: [sizes, ends, ways, slices, sliceMs, paceMs, Common.repeats.with(5)],
    quick: {
      ($0[sizes], $0[slices], $0[sliceMs], $0[paceMs], $0[Common.repeats]) = ([64, 1_024], 1, 100, 100, 1)
    },
    cells: { [StudyCell].one.times(sizes, $0).times(ends, $0).times(ways, $0) },
    check: { plan in
      try Study.require(
        plan[ways].allSatisfy { Way(rawValue: $0) != nil }
          && plan[ends].allSatisfy { End(rawValue: $0) != nil },
        "A way or an end of the plan is not known.",
        remedy: "Use ways of \(Way.allCases.map(\.rawValue).joined(separator: ", ")); ends released, sent.")
    },
    course: .trials(.shuffled) { plan, context in
      let bench = try ForwardBench(executable: context.executable)
      let hasTestPMD = ExternalProgram.path(ForwardBench.testPMD) != nil
      return { cell, _ in
        guard let way = Way(rawValue: cell[ways]), let end = End(rawValue: cell[ends]) else {
          return Reading()
        }
        guard way != .testPMD || hasTestPMD else {
          var reading = Reading()
          reading.unmeasured = ["it needs \(ForwardBench.testPMD) (`make testbed`)"]
          return reading
        }
        let size = cell[sizes]
        return reading(
          try bench.rate(way.forwarder, bytes: size, isSent: end == .sent, effort(plan)), size: size)
      }
    },
    metrics: [received, rate, sent, p50, p99, p999],
    figures: [
      ratio(
        "1 KB: one function over XDP's drop", at(.one, 1_024, .released), over: at(.xdp, 1_024, .released)),
      ratio(
        "1 KB: one function that sends over XDP's drop", at(.one, 1_024, .sent),
        over: at(.xdp, 1_024, .released)),
      ratio(
        "1 KB, sent: one function over testpmd", at(.one, 1_024, .sent), over: at(.testPMD, 1_024, .sent)),
      ratio(
        "1 KB, released: one function over testpmd", at(.one, 1_024, .released),
        over: at(.testPMD, 1_024, .released)),
      ratio(
        "1 KB: own receive ring over frames by the host", at(.one, 1_024, .released),
        over: at(.oneByHost, 1_024, .released)),
    ],
    bounds: [
      Bound(
        "1 KB: one function over XDP's drop", .atLeast(0.75), .ours, by: .interval,
        explanation: demultiplexing),
      Bound(
        "1 KB: one function that sends over XDP's drop", .atLeast(0.75), .ours, by: .interval, judged: false),
      Bound("1 KB, released: one function over testpmd", .atLeast(1), .ours, by: .interval, judged: false),
      Bound("1 KB, sent: one function over testpmd", .atLeast(1), .ours, by: .interval, judged: false),
    ],
    plots: [
      .bars("Frames through, released at the end", received, by: ways.part, ends(End.released.rawValue)),
      .bars("Frames through, sent at the end", received, by: ways.part, ends(End.sent.rawValue)),
      .bars("Latency at the median, released", p50, by: ways.part, ends(End.released.rawValue)),
    ])
}

extension Forwarding {
  private static func paged(_ kind: String, _ size: Int) -> [Match] { [pages(kind), sizes(size)] }

  /// What the paper's NF platform forwards from memory of either kind, Gb/s.
  private static let paper = [256: (normal: 3.1, huge: 10.0), 512: (normal: 5.1, huge: 10.0)]

  private static func gain(_ size: Int) -> String { "\(size) B: huge over normal pages" }

  static let table2 = Study(
    "netml-table2", "Forwarding from packet memory in normal and in huge pages.",
    discussion: """
      One function that forwards, over both kinds of pages; the kernel must have 40 huge pages to give \
      (vm.nr_hugepages), which the study asks for and gives back. Needs root, clang and two processors; two \
      minutes.
      """,
    method: """
      As nf-forward with one function that sends. The paper pins either memory that CUDA allocates in normal \
      pages or the platform's own huge pages for a GPU; without one nothing has to be pinned, and what is \
      left of the comparison is the pages.
      """,
    paper: PaperFigure(
      "NetML, Table II", "256 B: 3.1 Gb/s from memory that CUDA allocates, 10 Gb/s from pinned huge pages.",
      "512 B: 5.1 and 10 Gb/s."),
    keys: [sizes.with([256, 512]), pages, slices, sliceMs, paceMs, Common.repeats.with(5)],
    quick: { ($0[slices], $0[sliceMs], $0[paceMs], $0[Common.repeats]) = (1, 100, 100, 1) },
    cells: { [StudyCell].one.times(sizes, $0).times(pages, $0) },
    check: { plan in
      try Study.require(
        plan[pages].allSatisfy { ["normal", "huge"].contains($0) }, "Pages of the plan are not known.",
        remedy: "Use normal and huge.")
    },
    course: .trials(.shuffled) { plan, context in
      let bench = try ForwardBench(executable: context.executable)
      let huge = HugePages(count: 40)
      return { cell, _ in
        let isHuge = cell[pages] == "huge"
        guard !isHuge || huge.areThere else {
          var reading = Reading()
          reading.unmeasured = ["the kernel has no 40 huge pages to give"]
          return reading
        }
        let size = cell[sizes]
        return reading(
          try bench.rate(
            .functions(1, ownRings: true), bytes: size, isSent: true, pages: isHuge ? .require : .no,
            effort(plan)), size: size)
      }
    },
    metrics: [received, rate, sent, p50, p99, p999],
    figures: [256, 512].map { size in
      Figure(gain(size)) { $0.ratio(received, paged("huge", size), over: paged("normal", size)) }
    },
    bounds: [256, 512].compactMap { size in
      paper[size].map {
        Bound(
          gain(size), .atLeast(($0.huge / $0.normal * 100).rounded() / 100), .paper("NetML, Table II"),
          by: .interval)
      }
    },
    plots: [.bars("Frames through one function", rate, by: pages.part)])
}
