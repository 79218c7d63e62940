import MedullaDatapath
import MedullaLearning
import MedullaModel
import TestbedLink
import TestbedMeasures

/// What the network is worth: the same controller with the shipped network and with three others of the same
/// layers, the study `ablation`.
enum Ablation {
  /// What steers inside the controller.
  enum Policy: String, CaseIterable {
    /// The shipped network.
    case trained
    /// A rule of two numbers.
    case delayRule = "delay-rule"
    /// Drawn weights.
    case untrained
    /// Nothing: its action is always 0.
    case zero

    func network(_ shipped: Network, seed: UInt64) throws -> Network {
      switch self {
      case .trained: shipped
      case .delayRule: try DelayRule.best.network(like: shipped)
      case .untrained: try shipped.untrained(seed: seed)
      case .zero: try shipped.silenced()
      }
    }
  }

  enum Part: String, CaseIterable {
    /// One flow on a loss-free link.
    case alone
    case loss
    /// Equal flows.
    case shared
    /// A rate that falls to a quarter and rises again.
    case changing
    /// A flow of CUBIC was there first.
    case beside
  }

  static let networks = Axis(
    "networks", "network", Policy.allCases.map(\.rawValue), "trained, delay-rule, untrained, zero.")
  static let parts = Axis(
    "parts", "part", Part.allCases.map(\.rawValue), "alone, loss, shared, changing, beside."
  ).titled { ["loss": "1% loss", "changing": "changing", "beside": "beside CUBIC"][$0] ?? "" }
  static let rates = Axis(
    "rates", "rate_mbps", [12.0, 48, 100, 400], in: 0.1...100_000, suffix: " Mbit/s",
    "Rates where a flow is alone, loses packets or shares.")
  static let rtts = Axis(
    "rtts", "rtt_ms", [10.0, 40, 100], in: 1...20_000, suffix: " ms", "Round trips where a flow is alone.")
  static let buffers = Axis(
    "buffers", "buffer_bdp", [1.0, 4], in: 0.01...1000, suffix: " BDP", "Buffers where a flow is alone.")
  static let flows = Axis("flows", "flows", [2, 4], in: 2...128, "Numbers of flows that share.").titled {
    $0 == 1 ? "" : "\($0) flows"
  }
  static let besideBuffers = Axis(
    "beside_buffers", "buffer_bdp", [0.5, 1, 4], in: 0.01...1000, suffix: " BDP", "Buffers beside CUBIC.")
  static let drawn = Setting("untrained_seed", 1, in: 0...9e15, "Seed of the drawn weights.")

  /// Of the parts that have one link or one round trip.
  private static let (middleRate, middleRtt, loss, stepSeconds) = (48.0, 40.0, 0.01, 5)

  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    let links = plan[parts].flatMap { name -> [StudyCell] in
      let part = [StudyCell().with(parts, name)]
      let middle = part.map { $0.with(rates, middleRate).with(rtts, middleRtt) }
      switch Part(rawValue: name) {
      case .alone:
        return part.times(rates, plan).times(rtts, plan).times(buffers, plan).map { $0.with(flows, 1) }
      case .loss, .shared:
        let links = part.times(rates, plan).map { $0.with(rtts, middleRtt).with(buffers, 1) }
        return name == Part.shared.rawValue ? links.times(flows, plan) : links.map { $0.with(flows, 1) }
      case .changing: return middle.map { $0.with(buffers, 1).with(flows, 1) }
      case .beside: return middle.times(besideBuffers, plan).map { $0.with(flows, 1) }
      case nil: return []
      }
    }
    return links.times(networks, plan)
  }

  static func link(_ cell: StudyCell) -> LinkCell {
    LinkCell(
      rateMbps: cell[rates], rttMilliseconds: cell[rtts], bufferBdp: cell[buffers],
      loss: cell[parts] == Part.loss.rawValue ? loss : 0, flows: cell[flows])
  }

  /// Half as long again where flows share or round trips are long, twice as long where rates change or flows
  /// differ.
  static func seconds(_ cell: StudyCell, _ plan: StudyPlan) -> (all: Int, warmUp: Int) {
    let halves =
      switch Part(rawValue: cell[parts]) {
      case .changing, .beside: 4
      case .shared: 3
      default: cell[rtts] >= 100 ? 3 : 2
      }
    return (plan.seconds * halves / 2, plan.warmUp * halves / 2)
  }

  static func check(_ plan: StudyPlan) throws {
    try Study.require(
      plan[parts].allSatisfy { Part(rawValue: $0) != nil }, "A part of the plan is not known.",
      remedy: "Use alone, loss, shared, changing, beside.")
    try Study.require(
      plan[networks].allSatisfy { Policy(rawValue: $0) != nil }, "A network of the plan is not known.",
      remedy: "Use trained, delay-rule, untrained, zero.")
    for cell in cells(plan) { try link(cell).link(seed: 1).validate() }
  }

  /// What a run was worth. Beside CUBIC, the share is that of the fair part, and more than the fair part is
  /// no better than it.
  static func utility(share: Double, queueMs: Double, rttMs: Double) -> Double {
    DelayRuleSearch.utility(use: min(share, 1), queueRoundTrips: queueMs / rttMs)
  }

  static let utility = Metric("utility", "utility")

  private static func measure(
    _ cell: StudyCell, _ plan: StudyPlan, seed: UInt64, congestion: String, executable: String
  ) throws -> Reading {
    let (link, times) = (link(cell), seconds(cell, plan))
    var reading: Reading
    var share: Double?
    switch Part(rawValue: cell[parts]) {
    case .changing:
      let steps = max(times.all / stepSeconds, 2)
      reading = try ChangingTrial(
        link: link, lowMbps: link.rateMbps / 4, seed: seed, stepSeconds: stepSeconds, steps: steps,
        warmUpSteps: min(times.warmUp / stepSeconds, steps - 1)
      ).run(congestion: congestion, executable: executable)
      share = reading[BulkTrial.share]
    case .beside:
      reading = try RivalTrial(
        link: link, seed: seed, isOwnFirst: false, alone: stepSeconds, together: times.all,
        warmUp: times.warmUp, after: 1
      ).run((congestion, SteeringScheme.cubic.name), executable: executable)
      share = reading[RivalTrial.ownShare]
    default:
      reading = try BulkTrial.measure(
        link, congestion: congestion, seconds: times.all, warmUp: times.warmUp, seed: seed,
        executable: executable)
      share = reading[BulkTrial.share]
    }
    if let share, let queue = reading[FlowMetrics.queue.mean] {
      reading[utility] = utility(share: share, queueMs: queue, rttMs: link.rttMilliseconds)
    }
    return reading
  }

  static func prepare(_ plan: StudyPlan, _ context: StudyContext) throws -> Study.Trial {
    try CongestionControls.require(SteeringScheme.cubic.name)
    let (shipped, samples) = try ShippedNetwork.read(context.models, .congestion)
    let family = try SnapshotFamily(shipped, samples: samples)
    let snapshots = try Dictionary(
      plan[networks].map { name in
        let policy = Policy(rawValue: name) ?? .trained
        let network = try policy.network(shipped, seed: UInt64(clamping: plan[drawn]))
        return (name, try family.datapath(network, name: name))
      }
    ) { first, _ in first }
    let instance = try ExperimentInstance("abl", snapshot: family.datapath(shipped, name: "shipped"))
    return { cell, round in
      guard let snapshot = snapshots[cell[networks]] else { return Reading() }
      try instance.update(snapshot)
      return try measure(
        cell, plan, seed: plan.seed(round: round), congestion: instance.congestion,
        executable: context.executable)
    }
  }
}
