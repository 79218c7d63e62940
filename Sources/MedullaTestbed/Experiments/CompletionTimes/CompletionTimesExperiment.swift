/// The experiment `completion`: completion times of flows by a size distribution, at a given load.
public struct CompletionTimesExperiment: Experiment {
  public struct Plan: ExperimentPlan {
    public var schemes = SteeringScheme.list("medulla", "cubic", "bbr")
    /// A JSON file with a `name` and a `cdf` of [bytes, probability]; empty: `heavyTail`.
    public var sizes = ""
    public var loads = [0.3, 0.6]
    public var rateMbps = 200.0
    public var rttMs = 10.0
    public var bufferBdp = 2.0
    public var seconds = 60
    public var repeats = 3
    public var seed: UInt64 = 1

    public init() {}

    public static var quick: Plan {
      var plan = Plan()
      plan.schemes = SteeringScheme.list("medulla", "cubic")
      (plan.loads, plan.seconds, plan.repeats) = ([0.5], 8, 1)
      return plan
    }

    public var runCount: Int { schemes.count * loads.count * repeats }

    public var isComplete: Bool {
      let full = Plan()
      return full.schemes.allSatisfy(schemes.contains) && full.loads.allSatisfy(loads.contains)
        && rateMbps == full.rateMbps && rttMs == full.rttMs && seconds >= full.seconds
        && repeats >= full.repeats
    }

    public func validate() throws {
      try require(
        !schemes.isEmpty && !loads.isEmpty && loads.allSatisfy { $0 > 0 && $0 < 1 }
          && (2...3600).contains(seconds) && (1...100).contains(repeats) && bufferBdp > 0
          && bufferBdp <= 100, "The plan's loads, times or repeats are out of range.",
        remedy: "Use loads between 0 and 1, 2 to 3600 seconds and 1 to 100 repeats.")
      try link(round: 0).validate()
    }

    func link(round: Int) -> LinkConfiguration {
      LinkCell(
        part: .steady, rateMbps: rateMbps, rttMilliseconds: rttMs, bufferBdp: bufferBdp, loss: 0, flows: 1
      ).link(seed: seed &+ UInt64(round))
    }

    /// Mean seconds between two flows, so that their payload is the load's part of the capacity.
    func interval(_ load: Double, _ sizes: FabricSizeDistribution) -> Double {
      let capacity = rateMbps * 1e6 / 8 * LinkCell.payloadBytes / LinkCell.packetBytes
      return sizes.mean / (capacity * load)
    }

    /// What a flow takes alone on the path: the handshake, its bytes at the link's rate, the answer's way.
    func idealSeconds(_ bytes: Int) -> Double {
      let wire = Double(bytes) * LinkCell.packetBytes / LinkCell.payloadBytes
      return rttMs / 1000 * 2 + wire * 8 / (rateMbps * 1e6)
    }

    /// Few large flows carry most of the bytes, as in data centres; round figures of ours.
    static let heavyTail: [(bytes: Double, probability: Double)] = [
      (1_000, 0), (10_000, 0.5), (100_000, 0.8), (1_000_000, 0.95), (10_000_000, 1),
    ]

    func distribution() throws -> FabricSizeDistribution {
      guard sizes.isEmpty else { return try FabricSizeDistribution(contentsOf: sizes) }
      return try FabricSizeDistribution(
        name: "heavy tail", points: Self.heavyTail.map { .init(bytes: $0.bytes, probability: $0.probability) }
      )
    }
  }

  /// The paper's classes.
  public enum SizeClass: String, Codable, CaseIterable, Sendable {
    case short
    case middle
    case long

    func contains(_ bytes: Int) -> Bool {
      switch self {
      case .short: bytes < 10_000
      case .middle: (10_000...100_000).contains(bytes)
      case .long: bytes > 100_000
      }
    }
  }

  public struct Class: Codable, Equatable, Sendable {
    public var size: SizeClass
    public var flows: Int
    public var completionMs: Percentiles
    /// Completion time over what the flow takes alone.
    public var slowdown: Percentiles
  }

  public struct Run: ExperimentRun {
    public var scheme: SteeringScheme
    public var load: Double
    public var round: Int
    public var classes: [Class]
    public var completed: Int
    public var broken: Int
    /// Beginnings left out because too many flows were under way.
    public var skipped: Int
    public var queueMs: Percentiles
    public var dropped: Int
    public var fellBehind: Bool

    public var line: String {
      "\(scheme.description.padding(10)) load \(decimal(load, 2)): \(completed) flows, "
        + classes.map { "\($0.size.rawValue) \(decimal($0.completionMs.mean, 1)) ms" }.joined(separator: ", ")
        + ", queue \(decimal(queueMs.mean, 2)) ms, \(dropped) dropped, \(broken) broken"
        + (fellBehind ? ", emulator fell behind" : "")
    }
  }

  public static let facts = ExperimentFacts(
    name: "completion", title: "Completion times of flows by a size distribution, at a given load.",
    discussion: """
      Open-loop Poisson arrivals over 200 Mbit/s. `--set sizes=FILE` takes a distribution, such as the web \
      search workload. Needs root; 20 minutes, --quick half one.
      """,
    method: """
      Each flow connects, sends its bytes, and is complete when the receiver has told how many it read. \
      Flows begin whether or not earlier ones are complete. Slowdown is the completion time over two round \
      trips and the bytes at the link's rate. Classes as in Figure 16: below 10 kB, to 100 kB, above.
      """)

  private let plan: Plan
  private let context: ExperimentContext
  private let sizes: FabricSizeDistribution
  private let steerings: [Steering]

  public init(_ plan: Plan, context: ExperimentContext) throws {
    (self.plan, self.context) = (plan, context)
    sizes = try plan.distribution()
    let network = try SteeringNetwork(models: context.models)
    steerings = try plan.schemes.map { try Steering($0, prefix: "fct", network: network) }
  }

  public func measure(_ take: (Run) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for load in plan.loads {
        for steering in steerings { try take(run(steering, load, round)) }
      }
    }
  }

  private func run(_ steering: Steering, _ load: Double, _ round: Int) throws -> Run {
    try steering.start(prefix: "fct")
    defer { steering.stop() }
    return try LinkEmulator.with(plan.link(round: round), executable: context.executable) { link in
      try steering.prepare(link)
      var flows = ShortFlows.Plan(congestion: steering.congestion)
      (flows.isPoisson, flows.sizes, flows.interval) = (true, sizes, plan.interval(load, sizes))
      flows.seed = plan.seed &+ UInt64(round)
      let workload = try ShortFlows(flows, over: link)
      defer { workload.stop() }
      try Interruption.sleep(.seconds(plan.seconds))
      let counts = try workload.finish(within: .seconds(30))
      let report = try link.stop()
      let done = workload.completions()
      let classes = SizeClass.allCases.map { size in
        let own = done.filter { size.contains($0.bytes) }
        return Class(
          size: size, flows: own.count, completionMs: Percentiles(own.map { $0.seconds * 1e3 }),
          slowdown: Percentiles(own.map { $0.seconds / plan.idealSeconds($0.bytes) }))
      }
      let path = report.forward
      let window = path.windows[0]
      return Run(
        scheme: steering.scheme, load: load, round: round, classes: classes, completed: counts.completed,
        broken: counts.broken, skipped: counts.skipped, queueMs: Percentiles(window.queueingDelay),
        dropped: path.droppedSegments, fellBehind: report.fellBehind)
    }
  }

  public static func judge(_ runs: [Run], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    func mean(_ name: String, _ load: Double, _ size: SizeClass, _ value: (Class) -> Double) -> Double? {
      let own = runs.filter { $0.scheme.name == name && $0.load == load }
        .flatMap(\.classes).filter { $0.size == size && $0.flows > 0 }
      return own.isEmpty ? nil : Statistics.mean(own.map(value))
    }
    var rows: [VerdictRow] = []
    for load in plan.loads {
      for size in SizeClass.allCases {
        for scheme in plan.schemes {
          let name = "load \(short(load)), \(size.rawValue), \(scheme)"
          rows += [
            VerdictRow("\(name): mean (ms)", mean(scheme.name, load, size, \.completionMs.mean), places: 2),
            VerdictRow("\(name): mean slowdown", mean(scheme.name, load, size, \.slowdown.mean), places: 2),
          ]
        }
      }
      rows.append(
        VerdictRow(
          "load \(short(load)): short flows over CUBIC's",
          ratio(
            mean("medulla", load, .short, \.completionMs.mean),
            mean("cubic", load, .short, \.completionMs.mean)
          ), .atMost(1)))
    }
    rows.append(
      VerdictRow(
        "flows broken", runs.isEmpty ? nil : Double(runs.reduce(0) { $0 + $1.broken }), .atMost(0), places: 0)
    )
    let faults =
      runs.filter(\.fellBehind).map { "\($0.scheme), load \(short($0.load)): the emulator fell behind" }
      + runs.filter { $0.skipped > 0 }.map { "\($0.scheme): \($0.skipped) flows could not begin" }
    return (rows, faults)
  }

  public static func plots(_ runs: [Run], _ plan: Plan) -> PlotSheet {
    PlotSheet(
      plan.loads.map { load in
        Plot(
          "Mean slowdown at load \(short(load))",
          x: PlotAxis("", categories: SizeClass.allCases.map(\.rawValue)), y: PlotAxis("over alone"),
          series: plan.schemes.enumerated().map { index, scheme in
            let own = runs.filter { $0.scheme == scheme && $0.load == load }
            return Plot.Series(
              scheme.description, color: index, mark: .bars,
              points: SizeClass.allCases.enumerated().map { place, size in
                let means = own.flatMap(\.classes).filter { $0.size == size }.map(\.slowdown.mean)
                return Plot.Point(
                  Double(place), Statistics.mean(means), spread: Statistics.halfInterval(means))
              })
          })
      })
  }
}
