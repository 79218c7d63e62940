/// The experiment `fairness`: flows of the network among themselves, and against the kernel's own.
public struct FairnessExperiment: Experiment {
  public struct Plan: ExperimentPlan {
    /// Numbers of equal flows.
    public var flows = [2, 4, 8, 16]
    /// Against each of these, as many flows of it as of the network.
    public var rivals = SteeringScheme.list("cubic", "bbr")
    public var rivalFlows = [1, 4]
    public var buffersBdp = [0.5, 1, 4]
    public var rateMbps = 100.0
    public var rttMs = 40.0
    public var seconds = 40
    public var warmUp = 10
    public var repeats = 3
    public var seed: UInt64 = 1

    public init() {}

    public static var quick: Plan {
      var plan = Plan()
      (plan.flows, plan.rivalFlows, plan.buffersBdp) = ([4], [1], [1])
      (plan.seconds, plan.warmUp, plan.repeats) = (10, 4, 1)
      return plan
    }

    public var runCount: Int { mixes.count * repeats }

    public var isComplete: Bool {
      let full = Plan()
      return Set(full.mixes).isSubset(of: mixes) && rateMbps == full.rateMbps && rttMs == full.rttMs
        && seconds - warmUp >= full.seconds - full.warmUp && warmUp >= full.warmUp && repeats >= full.repeats
    }

    public func validate() throws {
      try require(
        !mixes.isEmpty && (flows + rivalFlows).allSatisfy { (1...64).contains($0) }
          && buffersBdp.allSatisfy { $0 > 0 && $0 <= 100 } && (2...3600).contains(seconds)
          && (0..<seconds).contains(warmUp) && (1...100).contains(repeats),
        "The plan's flows, buffers, times or repeats are out of range.",
        remedy: "Use 1 to 64 flows, buffers up to 100 BDP, a shorter warm-up and 1 to 100 repeats.")
      for mix in mixes { try link(mix, round: 0).validate() }
    }

    var mixes: [Mix] {
      flows.map { Mix(own: $0, rival: nil, rivals: 0, bufferBdp: 1) }
        + rivals.flatMap { rival in
          buffersBdp.flatMap { buffer in
            rivalFlows.map { Mix(own: $0, rival: rival, rivals: $0, bufferBdp: buffer) }
          }
        }
    }

    func link(_ mix: Mix, round: Int) -> LinkConfiguration {
      LinkCell(
        part: .fairness, rateMbps: rateMbps, rttMilliseconds: rttMs, bufferBdp: mix.bufferBdp, loss: 0,
        flows: mix.own + mix.rivals
      ).link(seed: seed &+ UInt64(round))
    }
  }

  /// Who shares the link.
  public struct Mix: Codable, Hashable, Sendable {
    /// Flows of the network.
    public var own: Int
    public var rival: SteeringScheme?
    public var rivals: Int
    public var bufferBdp: Double

    var title: String {
      rival.map { "\(own) against \(rivals) \($0), \(short(bufferBdp)) BDP" }
        ?? "\(own) flows among themselves"
    }
  }

  public struct Run: ExperimentRun {
    public var mix: Mix
    public var round: Int
    public var ownMbps: [Double]
    public var rivalMbps: [Double]
    /// Of all flows, and of the network's own.
    public var jain: Double
    public var ownJain: Double
    /// What the network's flows have together, over their fair part.
    public var ownShare: Double
    public var queueMs: Percentiles
    public var fellBehind: Bool

    public var line: String {
      "\(mix.title.padding(34)) Jain \(decimal(jain, 3)), own \(decimal(ownMbps.reduce(0, +), 1)) Mbit/s "
        + "(\(decimal(ownShare, 2)) of fair), rivals \(decimal(rivalMbps.reduce(0, +), 1)), "
        + "queue \(decimal(queueMs.mean, 1)) ms" + (fellBehind ? ", emulator fell behind" : "")
    }
  }

  public static let facts = ExperimentFacts(
    name: "fairness", title: "Flows of the network among themselves, and against CUBIC and BBR.",
    discussion: "100 Mbit/s, 40 ms, three buffers. Needs root; 35 minutes, --quick half a minute.",
    method: """
      iperf3 flows of both kinds start together on one emulated link. Jain's index and shares are of the \
      goodput after the warm-up; the share of fair is what the network's flows have together over their \
      part by number.
      """)

  private let plan: Plan
  private let context: ExperimentContext
  private let own: Steering

  public init(_ plan: Plan, context: ExperimentContext) throws {
    (self.plan, self.context) = (plan, context)
    for rival in plan.rivals { try CongestionControls.require(rival.name) }
    own = try Steering(
      SteeringScheme.medulla, prefix: "fair", network: SteeringNetwork(models: context.models))
  }

  public func measure(_ take: (Run) throws -> Void) throws {
    try own.start(prefix: "fair")
    defer { own.stop() }
    for round in 0..<plan.repeats {
      for mix in plan.mixes { try take(run(mix, round)) }
    }
  }

  private func run(_ mix: Mix, _ round: Int) throws -> Run {
    try LinkEmulator.with(plan.link(mix, round: round), executable: context.executable) { link in
      var transfers = [
        try Transfer(.init(congestion: own.congestion, flows: mix.own, seconds: plan.seconds + 1), over: link)
      ]
      defer { for transfer in transfers { transfer.end() } }
      if let rival = mix.rival {
        transfers.append(
          try Transfer(
            .init(
              congestion: rival.name, flows: mix.rivals, seconds: plan.seconds + 1, port: Iperf3.port + 1),
            over: link))
      }
      try Interruption.sleep(.seconds(plan.warmUp))
      try link.beginWindow()
      try Interruption.sleep(.seconds(plan.seconds - plan.warmUp))
      try link.beginWindow()
      let (start, end) = (Double(plan.warmUp), Double(plan.seconds))
      let goodput = try transfers.map { transfer in
        try transfer.finish().flows.map { $0.goodput(from: start, to: end) / 1e6 }
      }
      let window = try link.stop().forward.windows[1]
      let rivals = goodput.count > 1 ? goodput[1] : []
      let all = goodput[0] + rivals
      let fair = all.reduce(0, +) * Double(mix.own) / Double(max(all.count, 1))
      return Run(
        mix: mix, round: round, ownMbps: goodput[0], rivalMbps: rivals, jain: Statistics.jain(all),
        ownJain: Statistics.jain(goodput[0]), ownShare: fair > 0 ? goodput[0].reduce(0, +) / fair : 0,
        queueMs: Percentiles(window.queueingDelay), fellBehind: window.fellBehind)
    }
  }

  public static func judge(_ runs: [Run], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    func mean(_ mix: Mix, _ value: (Run) -> Double) -> Double? {
      let own = runs.filter { $0.mix == mix }
      return own.isEmpty ? nil : Statistics.mean(own.map(value))
    }
    let rows = plan.mixes.flatMap { mix -> [VerdictRow] in
      guard mix.rival != nil else {
        return [VerdictRow("\(mix.title): Jain", mean(mix, \.jain), .atLeast(0.9))]
      }
      return [
        VerdictRow("\(mix.title): own over fair", mean(mix, \.ownShare)),
        VerdictRow("\(mix.title): Jain among own", mean(mix, \.ownJain)),
      ]
    }
    return (rows, runs.filter(\.fellBehind).map { "\($0.mix.title): the emulator fell behind" })
  }

  public static func plots(_ runs: [Run], _ plan: Plan) -> PlotSheet {
    let mixes = plan.mixes
    let rivalry = mixes.filter { $0.rival != nil }
    func points(_ mixes: [Mix], _ value: (Run) -> Double) -> [Plot.Point] {
      mixes.enumerated().flatMap { index, mix in
        runs.filter { $0.mix == mix }.map { Plot.Point(Double(index), value($0)) }
      }
    }
    let alone = mixes.filter { $0.rival == nil }
    return PlotSheet([
      Plot(
        "Jain's index of equal flows of the network",
        x: PlotAxis("", categories: alone.map { "\($0.own) flows" }),
        y: PlotAxis("index", range: 0...1),
        series: [Plot.Series("runs", color: 0, mark: .dots, points: points(alone, \.jain))]),
      Plot(
        "Goodput of the network's flows over their fair part",
        x: PlotAxis("", categories: rivalry.map(\.title)), y: PlotAxis("of fair"),
        series: [Plot.Series("runs", color: 1, mark: .dots, points: points(rivalry, \.ownShare))],
        rules: [.init(.y, at: 1, "fair")]),
    ])
  }
}
