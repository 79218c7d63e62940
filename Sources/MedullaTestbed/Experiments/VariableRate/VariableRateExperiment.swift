/// The experiment `traces`: links whose rate changes all the time.
public struct VariableRateExperiment: Experiment {
  public struct Plan: ExperimentPlan {
    public var schemes = SteeringScheme.list("medulla", "cubic", "bbr")
    /// Files in Mahimahi's format, besides the drawn traces.
    public var files: [String] = []
    /// Drawn traces, by name.
    public var drawn = DrawnTrace.allCases.map(\.rawValue)
    public var rttMs = 40.0
    public var bufferBytes = 150_000
    public var seconds = 35
    public var warmUp = 5
    public var repeats = 3
    public var seed: UInt64 = 1

    public init() {}

    public static var quick: Plan {
      var plan = Plan()
      plan.drawn = [DrawnTrace.steps.rawValue]
      (plan.seconds, plan.warmUp, plan.repeats) = (10, 2, 1)
      return plan
    }

    public var runCount: Int { schemes.count * (files.count + drawn.count) * repeats }

    public var isComplete: Bool {
      let full = Plan()
      return full.schemes.allSatisfy(schemes.contains) && full.drawn.allSatisfy(drawn.contains)
        && rttMs == full.rttMs && bufferBytes == full.bufferBytes
        && seconds - warmUp >= full.seconds - full.warmUp && repeats >= full.repeats
    }

    public func validate() throws {
      try require(
        drawn.allSatisfy { DrawnTrace(rawValue: $0) != nil } && drawn.count + files.count > 0,
        "A trace of the plan is not known.",
        remedy: "Use \(DrawnTrace.allCases.map(\.rawValue).joined(separator: ", ")), or files.")
      try require(
        !schemes.isEmpty && (2...600).contains(seconds) && (0..<seconds).contains(warmUp)
          && (1...100).contains(repeats), "The plan's times or repeats are out of range.",
        remedy: "Use 2 to 600 seconds, a shorter warm-up and 1 to 100 repeats.")
    }

    func traces() throws -> [DeliveryTrace] {
      try drawn.compactMap(DrawnTrace.init(rawValue:)).map { try $0.trace(seconds: seconds + 2, seed: seed) }
        + files.map { try DeliveryTrace(path: $0) }
    }

    func trial(_ trace: DeliveryTrace, round: Int) -> FlowTrial {
      let delay = UInt64(max(rttMs, 0) * 1e6 / 2)
      return FlowTrial(
        link: LinkConfiguration(
          forward: PathConfiguration(delayNanoseconds: delay, bufferBytes: bufferBytes, trace: trace),
          backward: PathConfiguration(delayNanoseconds: delay), seed: seed &+ UInt64(round)),
        seconds: seconds, warmUp: warmUp)
    }
  }

  public struct Run: ExperimentRun {
    public var trace: String
    public var measures: FlowMeasures
    /// What the trace could have delivered meanwhile, as payload.
    public var capacityMbps: Double
    public var utilization: Double
    /// Of the first round: what was delivered in each half second.
    public var deliveredMbps: [Double]

    public var line: String {
      "\(trace.padding(10)) \(measures.line), \(decimal(utilization * 100, 1))% used"
    }
  }

  public static let facts = ExperimentFacts(
    name: "traces", title: "One flow over links whose rate changes all the time.",
    discussion: """
      Three drawn traces (steps, a sawtooth, a random walk of 1 to 48 Mbit/s); \
      `--set files=["wired24"]` adds a file in Mahimahi's format. Needs root; 16 minutes, --quick half one.
      """,
    method: """
      The bottleneck serves a packet at each opportunity of the trace; 40 ms, 150 kB of buffer. Utilization \
      is the goodput over the payload of the opportunities in the measured time.
      """)

  private let plan: Plan
  private let series: TrialSeries

  public init(_ plan: Plan, context: ExperimentContext) throws {
    self.plan = plan
    series = try TrialSeries(plan.schemes, prefix: "tr", context: context)
  }

  public func measure(_ take: (Run) throws -> Void) throws {
    let traces = try plan.traces()
    for round in 0..<plan.repeats {
      for trace in traces {
        for scheme in plan.schemes {
          let outcome = try series.run(scheme, plan.trial(trace, round: round), round: round)
          try take(Self.run(outcome, trace, round))
        }
      }
    }
  }

  private static func run(_ outcome: FlowTrial.Outcome, _ trace: DeliveryTrace, _ round: Int) -> Run {
    let path = outcome.report.forward
    let window = path.windows[1]
    let origin = path.windows[0].startNanoseconds
    let capacity = trace.capacityMbps(
      from: Double(window.startNanoseconds - origin) / 1e9, to: Double(window.endNanoseconds - origin) / 1e9)
    let perHalf = max(1, Int(500_000_000 / max(path.bins.binNanoseconds, 1)))
    let bytes = path.bins.deliveredBytes
    let delivered = stride(from: 0, to: bytes.count, by: perHalf).map { start in
      Double(bytes[start..<min(start + perHalf, bytes.count)].reduce(0, +)) * 8 / 0.5e6
    }
    return Run(
      trace: trace.name, measures: outcome.measures, capacityMbps: capacity,
      utilization: capacity > 0 ? outcome.measures.goodputMbps / capacity : 0,
      deliveredMbps: round == 0 ? delivered.map { ($0 * 100).rounded() / 100 } : [])
  }

  public static func judge(_ runs: [Run], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    let traces = runs.map(\.trace).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    func mean(_ trace: String, _ name: String, _ value: (Run) -> Double) -> Double? {
      let own = runs.filter { $0.trace == trace && $0.measures.scheme.name == name }
      return own.isEmpty ? nil : Statistics.mean(own.map(value))
    }
    let rows = traces.flatMap { trace in
      runs.map(\.measures).schemes.flatMap { scheme in
        [
          VerdictRow("\(trace), \(scheme): utilization", mean(trace, scheme.name, \.utilization)),
          VerdictRow(
            "\(trace), \(scheme): queue p95 (ms)", mean(trace, scheme.name, \.measures.queueMs.p95), places: 1
          ),
        ]
      } + [
        VerdictRow("\(trace): utilization in kernel", mean(trace, "medulla", \.utilization), .atLeast(0.7)),
        VerdictRow(
          "\(trace): queue p95 over CUBIC's",
          ratio(
            mean(trace, "medulla", \.measures.queueMs.p95), mean(trace, "cubic", \.measures.queueMs.p95)),
          .atMost(1)),
      ]
    }
    return (rows, runs.flatMap(\.measures.faults))
  }

  public static func plots(_ runs: [Run], _ plan: Plan) -> PlotSheet {
    let names = runs.map(\.trace).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    let traces = (try? plan.traces()) ?? []
    return PlotSheet(
      names.map { name in
        let own = runs.filter { $0.trace == name && !$0.deliveredMbps.isEmpty }
        func points(_ values: [Double]) -> [Plot.Point] {
          values.enumerated().map { Plot.Point(Double($0.offset) / 2, $0.element) }
        }
        let rate = (traces.first { $0.name == name }).map { trace in
          (0..<plan.seconds * 2).map {
            // Delivered bytes count whole packets.
            trace.capacityMbps(from: Double($0) / 2, to: Double($0 + 1) / 2) * LinkCell.packetBytes
              / LinkCell.payloadBytes
          }
        }
        return Plot(
          "\(name): delivered in each half second of the first run", x: PlotAxis("time (s)"),
          y: PlotAxis("Mbit/s"),
          series: [Plot.Series("what the trace gives", color: 4, points: points(rate ?? []))]
            + own.enumerated().map { index, run in
              Plot.Series(run.measures.scheme.description, color: index, points: points(run.deliveredMbps))
            })
      })
  }
}
