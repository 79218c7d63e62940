import MedullaDatapath

/// The experiment `flows`: a thousand flows at one time.
public struct ManyFlowsExperiment: Experiment {
  public struct Plan: ExperimentPlan {
    public var schemes = SteeringScheme.list("medulla", "cubic")
    public var flows = [100, 1000]
    public var rateMbps = 400.0
    public var rttMs = 40.0
    public var bufferBdp = 1.0
    public var seconds = 40
    public var warmUp = 15
    public var repeats = 3
    public var seed: UInt64 = 1

    public init() {}

    public static var quick: Plan {
      var plan = Plan()
      plan.flows = [1000]
      plan.schemes = [.medulla]
      (plan.seconds, plan.warmUp, plan.repeats) = (14, 6, 1)
      return plan
    }

    public var runCount: Int { schemes.count * flows.count * repeats }

    public var isComplete: Bool {
      let full = Plan()
      return full.schemes.allSatisfy(schemes.contains) && full.flows.allSatisfy(flows.contains)
        && rateMbps == full.rateMbps && rttMs == full.rttMs
        && seconds - warmUp >= full.seconds - full.warmUp && repeats >= full.repeats
    }

    public func validate() throws {
      try require(
        !schemes.isEmpty && !flows.isEmpty && flows.allSatisfy { (1...4_000).contains($0) }
          && (2...3600).contains(seconds) && (0..<seconds).contains(warmUp) && (1...100).contains(repeats)
          && bufferBdp > 0 && bufferBdp <= 100, "The plan's flows, times or repeats are out of range.",
        remedy: "Use 1 to 4,000 flows, a shorter warm-up and 1 to 100 repeats.")
      try link(round: 0).validate()
    }

    func link(round: Int) -> LinkConfiguration {
      LinkCell(
        part: .fairness, rateMbps: rateMbps, rttMilliseconds: rttMs, bufferBdp: bufferBdp, loss: 0, flows: 1
      ).link(seed: seed &+ UInt64(round))
    }

    /// Payload that the link carries.
    var capacityMbps: Double { rateMbps * LinkCell.payloadBytes / LinkCell.packetBytes }
  }

  public struct Run: ExperimentRun {
    public var scheme: SteeringScheme
    public var flows: Int
    public var round: Int
    public var goodputMbps: Double
    public var jain: Double
    /// Goodput of single flows, as quantiles 0, 0.05, … 1, in kbit/s.
    public var flowKbps: [Double]
    /// Flows of which the receiver read nothing in the measured time.
    public var starved: Int
    public var queueMs: Percentiles
    public var dropped: Int
    public var retransmits: Int
    public var busyShare: Double
    /// Of the attached network: flows that it holds, inferences, and those put off for want of memory.
    public var held: Int?
    public var inferences: Int?
    public var contended: Int?
    public var stateless: Int?
    public var fellBehind: Bool

    public var line: String {
      "\(scheme.description.padding(10)) \(flows) flows: \(decimal(goodputMbps, 1)) Mbit/s, "
        + "Jain \(decimal(jain, 3)), \(starved) starved, least \(decimal(flowKbps.first ?? 0, 0)) kbit/s, "
        + "queue \(decimal(queueMs.mean, 1)) ms, \(dropped) dropped, busy \(decimal(busyShare * 100, 0))%"
        + (held.map { ", \($0) held" } ?? "") + (fellBehind ? ", emulator fell behind" : "")
    }
  }

  public static let facts = ExperimentFacts(
    name: "flows", title: "A thousand flows at one time.",
    discussion:
      "400 Mbit/s, 40 ms: 1.3 packets a round trip for each. Needs root; 9 minutes, --quick half one.",
    method: """
      Bulk TCP flows by a sender and a receiver of this program over an emulated link; each flow's goodput \
      is what the receiver read after the warm-up. What the attached network holds and did is read from the \
      kernel.
      """)

  private let plan: Plan
  private let context: ExperimentContext
  private let network: SteeringNetwork

  public init(_ plan: Plan, context: ExperimentContext) throws {
    (self.plan, self.context) = (plan, context)
    network = try SteeringNetwork(models: context.models)
  }

  public func measure(_ take: (Run) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for count in plan.flows {
        for scheme in plan.schemes {
          let first = try run(scheme, count, round)
          try take(first.fellBehind ? run(scheme, count, round) : first)
        }
      }
    }
  }

  private func run(_ scheme: SteeringScheme, _ count: Int, _ round: Int) throws -> Run {
    let steering = try Steering(scheme, prefix: "many", network: network)
    try steering.start(prefix: "many")
    defer { steering.stop() }
    return try LinkEmulator.with(plan.link(round: round), executable: context.executable) { link in
      try steering.prepare(link)
      let bulk = try BulkFlows(count: count, congestion: steering.congestion, over: link)
      defer { bulk.stop() }
      try Interruption.sleep(.seconds(plan.warmUp))
      try link.beginWindow()
      let before = bulk.receivedBytes()
      let begin = ContinuousClock.now
      let meter = try ProcessorMeter()
      try Interruption.sleep(.seconds(plan.seconds - plan.warmUp))
      let after = bulk.receivedBytes()
      let elapsed = (ContinuousClock.now - begin).inSeconds
      let shares = try meter.read()
      try link.beginWindow()
      let status = try steering.status()
      let retransmits = bulk.retransmits()
      bulk.stop()
      let window = try link.stop().forward.windows[1]
      let rates = zip(before, after).map { Double($1 - $0) * 8 / elapsed / 1e3 }
      let slots = status?.slots ?? []
      func sum(_ part: KeyPath<CongestionStatus.Slot, UInt64>) -> Int? {
        status == nil ? nil : slots.reduce(0) { $0 + Int(clamping: $1[keyPath: part]) }
      }
      return Run(
        scheme: scheme, flows: count, round: round, goodputMbps: rates.reduce(0, +) / 1e3,
        jain: Statistics.jain(rates), flowKbps: (0...20).map { Statistics.quantile(rates, Double($0) / 20) },
        starved: count - rates.filter { $0 > 0 }.count, queueMs: Percentiles(window.queueingDelay),
        dropped: window.droppedSegments, retransmits: retransmits, busyShare: shares.busy, held: sum(\.flows),
        inferences: sum(\.inferences), contended: sum(\.contended), stateless: sum(\.stateless),
        fellBehind: window.fellBehind)
    }
  }

  public static func judge(_ runs: [Run], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    func mean(_ name: String, _ flows: Int, _ value: (Run) -> Double) -> Double? {
      let own = runs.filter { $0.scheme.name == name && $0.flows == flows }
      return own.isEmpty ? nil : Statistics.mean(own.map(value))
    }
    func worst(_ value: (Run) -> Int?) -> Double? {
      runs.filter { $0.scheme == .medulla }.compactMap(value).max().map(Double.init)
    }
    var rows = plan.flows.flatMap { count in
      plan.schemes.flatMap { scheme in
        [
          VerdictRow(
            "\(scheme), \(count) flows: goodput (Mbit/s)",
            mean(scheme.name, count, \.goodputMbps), places: 1),
          VerdictRow("\(scheme), \(count) flows: Jain", mean(scheme.name, count, \.jain)),
          VerdictRow(
            "\(scheme), \(count) flows: mean queue (ms)",
            mean(scheme.name, count, \.queueMs.mean), places: 1),
        ]
      }
    }
    let most = plan.flows.max() ?? 0
    rows += [
      VerdictRow(
        "\(most) flows in kernel: share of the capacity",
        mean("medulla", most) { $0.goodputMbps / plan.capacityMbps }, .atLeast(0.9)),
      VerdictRow("flows without any data, at most", worst(\.starved), .atMost(0), places: 0),
      VerdictRow("ACKs without memory for their flow, at most", worst(\.stateless), .atMost(0), places: 0),
      VerdictRow("inferences put off, at most", worst(\.contended), places: 0),
    ]
    return (
      rows, runs.filter(\.fellBehind).map { "\($0.scheme), \($0.flows) flows: the emulator fell behind" }
    )
  }

  public static func plots(_ runs: [Run], _ plan: Plan) -> PlotSheet {
    PlotSheet(
      plan.flows.map { count in
        Plot(
          "\(count) flows: distribution of their goodput over their fair part",
          x: PlotAxis("over the fair part"),
          y: PlotAxis("share of flows", range: 0...1),
          series: plan.schemes.enumerated().map { index, scheme in
            let own = runs.filter { $0.scheme == scheme && $0.flows == count }
            let fair = plan.capacityMbps * 1e3 / Double(count)
            let points =
              own.isEmpty
              ? []
              : (0...20).map { step in
                Plot.Point(Statistics.mean(own.map { $0.flowKbps[step] }) / fair, Double(step) / 20)
              }
            return Plot.Series(scheme.description, color: index, points: points)
          }, rules: [.init(.x, at: 1, "fair")])
      })
  }
}
