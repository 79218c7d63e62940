/// The experiment `applications`: nginx under wrk and curl.
public struct ApplicationsExperiment: Experiment {
  public struct Plan: ExperimentPlan {
    /// The server's congestion controls.
    public var schemes = SteeringScheme.list("medulla", "cubic", "bbr")
    public var rateMbps = 100.0
    public var rttMs = 20.0
    public var bufferBdp = 4.0
    /// A page that wrk asks for again and again, and how many connections ask.
    public var pageBytes = 100_000
    public var connections = 20
    /// A file that curl fetches beside them.
    public var fileBytes = 10_000_000
    public var seconds = 20
    public var repeats = 5
    public var seed: UInt64 = 1

    public init() {}

    public static var quick: Plan {
      var plan = Plan()
      plan.schemes = SteeringScheme.list("medulla", "cubic")
      (plan.seconds, plan.repeats, plan.fileBytes) = (5, 1, 2_000_000)
      return plan
    }

    public var runCount: Int { schemes.count * repeats }

    public var isComplete: Bool {
      let full = Plan()
      return full.schemes.allSatisfy(schemes.contains) && rateMbps == full.rateMbps && rttMs == full.rttMs
        && connections >= full.connections && seconds >= full.seconds && repeats >= full.repeats
    }

    public func validate() throws {
      try require(
        !schemes.isEmpty && (1...1_000).contains(connections) && (2...3600).contains(seconds)
          && (1...100).contains(repeats) && (1...1 << 28).contains(pageBytes)
          && (1...1 << 28).contains(fileBytes) && bufferBdp > 0 && bufferBdp <= 100,
        "The plan's sizes, times or repeats are out of range.",
        remedy: "Use 1 to 1,000 connections, files up to 256 MiB, 2 to 3600 s and 1 to 100 repeats.")
      try link(round: 0).validate()
    }

    /// The answers' way has the bottleneck: what the server sends is what the congestion control paces.
    func link(round: Int) -> LinkConfiguration {
      let cell = LinkCell(
        part: .steady, rateMbps: rateMbps, rttMilliseconds: rttMs, bufferBdp: bufferBdp, loss: 0, flows: 1)
      var link = cell.link(seed: seed &+ UInt64(round))
      (link.forward, link.backward) = (link.backward, link.forward)
      return link
    }
  }

  public struct Run: ExperimentRun {
    public var scheme: SteeringScheme
    public var round: Int
    /// Pages by wrk.
    public var load: WebClients.Load
    /// The file by curl, alone and beside wrk.
    public var aloneSeconds: Double
    public var besideSeconds: Double
    public var queueMs: Percentiles
    public var fellBehind: Bool

    public var line: String {
      "\(scheme.description.padding(10)) \(decimal(load.requestsPerSecond, 1)) pages/s, p50 "
        + "\(decimal(load.p50Ms, 1)) ms, p99 \(decimal(load.p99Ms, 1)) ms; file alone "
        + "\(decimal(aloneSeconds, 2)) s, beside \(decimal(besideSeconds, 2)) s; queue "
        + "\(decimal(queueMs.mean, 1)) ms" + (fellBehind ? ", emulator fell behind" : "")
    }
  }

  public static let facts = ExperimentFacts(
    name: "applications", title: "nginx under wrk and curl, by the server's congestion control.",
    discussion: "100 Mbit/s, 20 ms, 4 BDP. Needs root, nginx, wrk and curl; six minutes, --quick half one.",
    method: """
      nginx serves over an emulated link whose bottleneck is on the way to the client; twenty connections of \
      wrk ask for a page of 100 kB again and again while curl fetches 10 MB once. The server's route to the \
      client names the congestion control, so that nginx needs no change.
      """)

  private let plan: Plan
  private let context: ExperimentContext
  private let steerings: [Steering]

  public init(_ plan: Plan, context: ExperimentContext) throws {
    (self.plan, self.context) = (plan, context)
    for program in ["nginx", "wrk", "curl"] where ExternalProgram.path(program) == nil {
      throw TestbedError(
        .missingProgram, "The program \(program) is missing.", remedy: "Install it: apt install \(program).")
    }
    let network = try SteeringNetwork(models: context.models)
    steerings = try plan.schemes.map { try Steering($0, prefix: "app", network: network) }
  }

  public func measure(_ take: (Run) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for steering in steerings { try take(run(steering, round)) }
    }
  }

  private func run(_ steering: Steering, _ round: Int) throws -> Run {
    try steering.start(prefix: "app")
    defer { steering.stop() }
    return try LinkEmulator.with(plan.link(round: round), executable: context.executable) { link in
      try steering.prepare(link)
      let server = try WebServer(
        files: ["page": plan.pageBytes, "file": plan.fileBytes], congestion: steering.congestion, over: link)
      defer { server.stop() }
      let alone = try WebClients.curl("file", over: link)
      try link.beginWindow()
      let asking = try WebClients.Asking(
        "page", connections: plan.connections, seconds: plan.seconds, over: link)
      try Interruption.sleep(.seconds(1))
      let beside = try WebClients.curl("file", over: link)
      let load = try asking.finish()
      try link.beginWindow()
      let window = try link.stop().backward.windows[1]
      return Run(
        scheme: steering.scheme, round: round, load: load, aloneSeconds: alone, besideSeconds: beside,
        queueMs: Percentiles(window.queueingDelay), fellBehind: window.fellBehind)
    }
  }

  public static func judge(_ runs: [Run], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    func mean(_ name: String, _ value: (Run) -> Double) -> Double? {
      let own = runs.filter { $0.scheme.name == name }
      return own.isEmpty ? nil : Statistics.mean(own.map(value))
    }
    var rows = plan.schemes.flatMap { scheme in
      [
        VerdictRow("\(scheme): pages a second", mean(scheme.name, \.load.requestsPerSecond), places: 1),
        VerdictRow("\(scheme): page, p50 (ms)", mean(scheme.name, \.load.p50Ms), places: 1),
        VerdictRow("\(scheme): page, p99 (ms)", mean(scheme.name, \.load.p99Ms), places: 1),
        VerdictRow("\(scheme): file alone (s)", mean(scheme.name, \.aloneSeconds), places: 2),
        VerdictRow("\(scheme): file beside wrk (s)", mean(scheme.name, \.besideSeconds), places: 2),
        VerdictRow("\(scheme): mean queue (ms)", mean(scheme.name, \.queueMs.mean), places: 1),
      ]
    }
    rows += [
      VerdictRow(
        "pages a second, in kernel over CUBIC",
        ratio(mean("medulla", \.load.requestsPerSecond), mean("cubic", \.load.requestsPerSecond)),
        .atLeast(0.9)),
      VerdictRow(
        "failed requests", runs.isEmpty ? nil : Double(runs.reduce(0) { $0 + $1.load.errors }), .atMost(0),
        places: 0),
    ]
    return (rows, runs.filter(\.fellBehind).map { "\($0.scheme): the emulator fell behind" })
  }

  public static func plots(_ runs: [Run], _ plan: Plan) -> PlotSheet {
    let x = PlotAxis("", categories: plan.schemes.map(\.description))
    func dots(_ title: String, _ unit: String, _ parts: [(String, (Run) -> Double)]) -> Plot {
      Plot(
        title, x: x, y: PlotAxis(unit),
        series: parts.enumerated().map { index, part in
          Plot.Series(
            part.0, color: index, mark: .dots,
            points: runs.map { run in
              Plot.Point(Double(plan.schemes.firstIndex(of: run.scheme) ?? 0), part.1(run))
            })
        })
    }
    return PlotSheet([
      dots("Pages of \(plan.pageBytes / 1000) kB", "pages/s", [("", \.load.requestsPerSecond)]),
      dots("Time of a page", "ms", [("p50", \.load.p50Ms), ("p99", \.load.p99Ms)]),
      dots("Time of the file", "s", [("alone", \.aloneSeconds), ("beside wrk", \.besideSeconds)]),
    ])
  }
}
