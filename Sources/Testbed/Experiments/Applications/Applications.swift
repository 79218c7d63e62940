import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// nginx under wrk and curl: the study `applications`.
enum Applications {
  /// The server's congestion controls.
  private static let schemes = Common.schemes.with(SteeringScheme.list("medulla", "cubic", "bbr"))
  private static let pageBytes = Setting(
    "page_bytes", 100_000, in: 1...268_435_456, "A page that wrk asks for again and again.")
  private static let connections = Setting(
    "connections", 20, .atLeast, in: 1...1_000, "Connections that ask.")
  private static let fileBytes = Setting(
    "file_bytes", 10_000_000, in: 1...268_435_456, "A file that curl fetches beside them.")

  private static let pages = Metric("pages_per_second", "pages a second", places: 1)
  private static let p50 = Metric("page_p50_ms", "page, p50", "ms", places: 1)
  private static let p99 = Metric("page_p99_ms", "page, p99", "ms", places: 1)
  private static let alone = Metric("file_alone_s", "file alone", "s", places: 2)
  private static let beside = Metric("file_beside_s", "file beside wrk", "s", places: 2)
  private static let failed = Metric("failed_requests", "failed requests", places: 0)

  private static func measure(
    _ steering: Steering, _ round: Int, _ plan: StudyPlan, _ executable: String
  ) throws -> Reading {
    // The answers' way has the bottleneck: what the server sends is what the congestion control paces.
    let link = Interactive.link(plan, round: round)
    return try LinkEmulator.with(link, executable: executable) { link in
      try steering.prepare(link)
      let server = try WebServer(
        files: ["page": plan[pageBytes], "file": plan[fileBytes]], congestion: steering.congestion, over: link
      )
      defer { server.stop() }
      let first = try WebClients.curl("file", over: link)
      try link.beginWindow()
      let asking = try WebClients.Asking(
        "page", connections: plan[connections], seconds: plan.seconds, over: link)
      try Interruption.sleep(.seconds(1))
      let second = try WebClients.curl("file", over: link)
      let load = try asking.finish()
      try link.beginWindow()
      let window = try link.stop().backward.measured()
      var reading = Reading(
        [
          pages: load.requestsPerSecond, p50: load.p50Ms, p99: load.p99Ms, failed: Double(load.errors),
          alone: first, beside: second,
        ], faults: window.fellBehind ? [Reading.late] : [])
      reading.note(Percentiles(window.queueingDelay), FlowMetrics.queue)
      return reading
    }
  }

  static let study = Study(
    "applications", "nginx under wrk and curl, by the server's congestion control.",
    discussion: "100 Mbit/s, 20 ms, 4 BDP. Needs root, nginx, wrk and curl; six minutes, --quick half one.",
    method: """
      nginx serves over an emulated link whose bottleneck is on the way to the client; twenty connections of \
      wrk ask for a page of 100 kB again and again while curl fetches 10 MB once. The server's route to the \
      client names the congestion control, so that nginx needs no change.
      """,
    keys: [
      schemes, Common.rateMbps, Common.rttMs, Common.bufferBdp.with(4), pageBytes, connections, fileBytes,
      Common.seconds.with(20), Common.repeats.with(5),
    ],
    quick: { plan in
      plan[schemes] = SteeringScheme.list("medulla", "cubic")
      (plan[Common.seconds], plan[Common.repeats], plan[fileBytes]) = (5, 1, 2_000_000)
    }, cells: CongestedPath.cells, check: { try Interactive.link($0, round: 0).validate() },
    programs: ["nginx", "wrk", "curl"],
    course: .trials(.shuffled) { plan, context in
      let series = try TrialSeries(plan[schemes], prefix: "app", context: context)
      return { cell, round in
        try series.steer(cell[schemes]) { try measure($0, round, plan, context.executable) }
      }
    },
    metrics: [pages, p50, p99, alone, beside, FlowMetrics.queue.mean],
    figures: [
      .ratio("pages a second, in kernel over CUBIC", pages, schemes("medulla"), over: schemes("cubic")),
      .sum("failed requests", failed),
    ],
    bounds: [
      Bound("pages a second, in kernel over CUBIC", .atLeast(0.9), .ours, by: .interval),
      Bound("failed requests", .atMost(0), .ours),
    ],
    plots: [
      .bars("Pages a second", pages, mark: .dots), .bars("Time of a page, p50", p50, mark: .dots),
      .bars("Time of a page, p99", p99, mark: .dots),
      .bars("Time of the file beside wrk", beside, mark: .dots),
    ])
}
