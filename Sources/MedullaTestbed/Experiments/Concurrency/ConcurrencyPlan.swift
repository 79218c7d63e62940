/// Flows beside each other with nothing in their way but the machine: the setting of `fig3`, `fig4` and
/// `fig13`.
public struct ConcurrencyPlan: ExperimentPlan {
  public var schemes = SteeringScheme.list(
    "bbr", "medulla", "cubic", "user-ack", "user-1ms", "onnx-ack", "onnx-1ms")
  public var flows = [2, 4, 6, 8, 10]
  /// More than the sender's processor fills.
  public var rateMbps = 5_000.0
  public var rttMs = 10.0
  public var bufferBdp = 1.0
  /// The sender and the user process are kept to processor 0, the receiver to processor 1.
  public var pinned = true
  /// Whether the emulator takes of the sender's processor, as a delay in the sender's own queueing discipline
  /// would, or of the receiver's.
  public var emulatorBesideSender = true
  public var seconds = 5
  public var warmUp = 2
  public var repeats = 10
  public var seed: UInt64 = 1

  public init() {}

  public static var quick: ConcurrencyPlan {
    var plan = ConcurrencyPlan()
    plan.schemes = SteeringScheme.list("bbr", "medulla", "user-ack", "user-1ms")
    plan.flows = [2, 10]
    (plan.seconds, plan.warmUp, plan.repeats) = (4, 2, 1)
    return plan
  }

  public var isComplete: Bool { covers(ConcurrencyPlan()) }

  func covers(_ full: ConcurrencyPlan) -> Bool {
    full.schemes.allSatisfy(schemes.contains) && full.flows.allSatisfy(flows.contains)
      && repeats >= full.repeats && pinned && seconds - warmUp >= full.seconds - full.warmUp
      && rttMs == full.rttMs && rateMbps >= full.rateMbps
      && emulatorBesideSender == full.emulatorBesideSender
  }

  public var runCount: Int { schemes.count * flows.count * repeats }

  public func validate() throws {
    try require(
      !schemes.isEmpty && !flows.isEmpty && flows.allSatisfy { (1...128).contains($0) }
        && (2...3600).contains(seconds) && (0..<seconds).contains(warmUp) && (1...100).contains(repeats)
        && bufferBdp > 0 && bufferBdp <= 100,
      "The plan's flows, times or repeats are out of range.",
      remedy: "Use 1 to 128 flows, 2 to 3600 seconds, a shorter warm-up and 1 to 100 repeats.")
    try trial(flows: 1, round: 0).link.validate()
  }

  func trial(flows: Int, round: Int) -> FlowTrial {
    let delay = UInt64(max(rttMs, 0) * 1e6 / 2)
    let product = rateMbps * 1e6 / 8 * rttMs / 1000
    var trial = FlowTrial(
      link: LinkConfiguration(
        forward: PathConfiguration(
          bitsPerSecond: rateMbps * 1e6, delayNanoseconds: delay,
          bufferBytes: Int(max(product * bufferBdp, 64_000))),
        backward: PathConfiguration(delayNanoseconds: delay), seed: seed &+ UInt64(round)),
      flows: flows, seconds: seconds, warmUp: warmUp)
    // Only the machine shall limit the flows; a run in which the emulator falls behind says so.
    trial.link.ignoresCeiling = true
    guard pinned else { return trial }
    (trial.senderProcessor, trial.receiverProcessor) = (0, 1)
    trial.emulatorProcessor = emulatorBesideSender ? 0 : 1
    return trial
  }

  /// The trials of a plan, one after another.
  func measure(_ prefix: String, context: ExperimentContext, _ take: (FlowMeasures) throws -> Void) throws {
    let series = try TrialSeries(
      schemes, prefix: prefix, context: context, processor: pinned ? 0 : nil, roundTrips: true)
    for round in 0..<repeats {
      for count in flows {
        for scheme in schemes {
          try take(series.run(scheme, trial(flows: count, round: round), round: round).measures)
        }
      }
    }
  }

  static let method = """
    iperf3 with N flows over an emulated link of 10 ms and 5 Gbit/s, which is more than the sender's \
    processor fills. The sender, the user process, what returns to the sender and the emulator, in place of \
    the delay in the sender's own kernel (netem in the paper), are kept to processor 0, the receiver to \
    processor 1: what inference takes is missing for sending. Features are of round trips, however seldom \
    they are reported. Goodput of all flows after the warm-up over \
    BBR's with the same N, of the same round; 95% intervals by Student's t.
    """
}

extension [FlowMeasures] {
  /// The schemes' goodput over a scheme's of the same round and number of flows, for each scheme and number.
  func normalized(to base: String) -> [(scheme: SteeringScheme, flows: Int, ratios: [Double])] {
    let counts = Set(map(\.flows)).sorted()
    return schemes.flatMap { scheme in
      counts.map { count in
        let ratios = of(scheme.name, flows: count).compactMap { run in
          ratio(run.goodputMbps, of(base, flows: count).first { $0.round == run.round }?.goodputMbps)
        }
        return (scheme, count, ratios)
      }
    }
  }

  /// The smallest over the numbers of flows of a scheme's mean goodput over BBR's.
  func leastShare(_ name: String) -> Double? {
    normalized(to: "bbr").filter { $0.scheme.name == name && !$0.ratios.isEmpty }
      .map { Statistics.mean($0.ratios) }.min()
  }

  /// Normalized goodput over the number of flows.
  var normalizedPlot: Plot {
    let values = normalized(to: "bbr")
    let series = schemes.enumerated().map { index, scheme in
      Plot.Series(
        scheme.description, color: index,
        points: values.filter { $0.scheme == scheme && !$0.ratios.isEmpty }.map {
          Plot.Point(
            Double($0.flows), Statistics.mean($0.ratios), spread: Statistics.halfInterval($0.ratios))
        })
    }
    // A few hundredths are what there is to see.
    let heights = series.flatMap(\.points).map(\.y) + [1]
    let (least, most) = (heights.min() ?? 0, heights.max() ?? 1)
    let range = (Swift.max(0, least - 0.1) * 10).rounded(.down) / 10...((most + 0.1) * 10).rounded(.up) / 10
    return Plot(
      "Goodput of all flows over BBR's", x: PlotAxis("flows"), y: PlotAxis("over BBR's", range: range),
      series: series, rules: [.init(.y, at: 1, "")])
  }
}
