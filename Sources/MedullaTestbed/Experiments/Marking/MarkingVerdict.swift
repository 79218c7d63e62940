extension MarkingExperiment {
  /// What DCTCP promises where K follows its guideline, and what `links` asks of the network.
  enum Target {
    static let dctcpUtilization = 0.95
    /// Most that the mean queue may be above or below K.
    static let dctcpFactor = 1.5
    static let ownUtilization = 0.9
    static let ownQueue = 1.0
    static let jain = 0.9
  }

  /// The runs' means by cell.
  private struct Means {
    let runs: [Run]
    let plan: MarkingPlan

    func of(_ cell: MarkingPlan.Cell, _ value: (Run) -> Double) -> Double? {
      let own = runs.filter { $0.cell == cell }
      return own.isEmpty ? nil : Statistics.mean(own.map(value))
    }

    /// The mean queue over K.
    func queue(_ cell: MarkingPlan.Cell) -> Double? {
      of(cell, \.measures.queueMs.mean).map { $0 / plan.thresholdMs }
    }
  }

  public static func judge(_ runs: [Run], _ plan: MarkingPlan) -> (rows: [VerdictRow], faults: [String]) {
    let means = Means(runs: runs, plan: plan)
    let targets = plan.cells.filter(\.asksForECN).flatMap { cell -> [VerdictRow] in
      switch cell.scheme.kind {
      case .dctcp: dctcp(cell, means)
      case .inKernel: network(cell, means)
      case .kernel, .userSpace: []
      }
    }
    let guideline = VerdictRow("K over C·RTT/7", Double(plan.markAboveBytes) / plan.leastThresholdBytes)
    return ([guideline] + targets + plan.cells.flatMap { figures($0, means) }, runs.flatMap(\.faults))
  }

  /// Whether DCTCP does what it promises.
  private static func dctcp(_ cell: MarkingPlan.Cell, _ means: Means) -> [VerdictRow] {
    let queue = means.queue(cell)
    let factor = queue.map { $0 > 0 ? max($0, 1 / $0) : .infinity }
    return [
      VerdictRow(
        "\(cell.title): utilization", means.of(cell, \.utilization), .atLeast(Target.dctcpUtilization)),
      VerdictRow("\(cell.title): factor between mean queue and K", factor, .atMost(Target.dctcpFactor)),
      VerdictRow("\(cell.title): mean queue over K", queue),
      VerdictRow(
        "\(cell.title): by the model", means.plan.modelQueueMs(flows: cell.flows) / means.plan.thresholdMs),
      VerdictRow("\(cell.title): alpha", means.of(cell) { $0.alpha ?? 0 }),
    ] + shared(cell, means)
  }

  /// What the network does with marks.
  private static func network(_ cell: MarkingPlan.Cell, _ means: Means) -> [VerdictRow] {
    var without = cell
    without.asksForECN = false
    let (utilization, queue) = (means.of(cell, \.utilization), means.queue(cell))
    return [
      VerdictRow("\(cell.title): utilization", utilization, .atLeast(Target.ownUtilization)),
      VerdictRow("\(cell.title): mean queue over K", queue, .atMost(Target.ownQueue)),
      VerdictRow(
        "\(cell.title): goodput over that without ECN", ratio(utilization, means.of(without, \.utilization))),
      VerdictRow("\(cell.title): queue over that without ECN", ratio(queue, means.queue(without))),
    ] + shared(cell, means)
  }

  /// Asked of both.
  private static func shared(_ cell: MarkingPlan.Cell, _ means: Means) -> [VerdictRow] {
    let dropped = VerdictRow(
      "\(cell.title): segments dropped", means.of(cell) { Double($0.droppedInAll) }, .atMost(0), places: 1)
    guard cell.flows > 1 else { return [dropped] }
    return [
      dropped, VerdictRow("\(cell.title): Jain", means.of(cell, \.measures.jain), .atLeast(Target.jain)),
    ]
  }

  private static func figures(_ cell: MarkingPlan.Cell, _ means: Means) -> [VerdictRow] {
    [
      VerdictRow("\(cell.title): goodput (Mbit/s)", means.of(cell, \.measures.goodputMbps), places: 1),
      VerdictRow("\(cell.title): queue, mean (ms)", means.of(cell, \.measures.queueMs.mean), places: 2),
      VerdictRow("\(cell.title): queue, p95 (ms)", means.of(cell, \.measures.queueMs.p95), places: 2),
      VerdictRow("\(cell.title): share marked", means.of(cell, \.markedShare)),
      VerdictRow("\(cell.title): sent again", means.of(cell) { Double($0.measures.retransmits) }, places: 1),
      VerdictRow("\(cell.title): Jain's index", means.of(cell, \.measures.jain)),
    ]
  }

  public static func plots(_ runs: [Run], _ plan: MarkingPlan) -> PlotSheet {
    let parties = plan.parties
    let x = PlotAxis("", categories: parties.map { $0.cell(flows: 1).who })
    func bars(_ value: (Run) -> Double) -> [Plot.Series] {
      plan.flows.enumerated().map { index, flows in
        let points = parties.enumerated().compactMap { place, party -> Plot.Point? in
          let own = runs.filter { $0.cell == party.cell(flows: flows) }.map(value)
          guard !own.isEmpty else { return nil }
          return Plot.Point(Double(place), Statistics.mean(own), spread: Statistics.halfInterval(own))
        }
        return Plot.Series(
          flows == 1 ? "1 flow" : "\(flows) flows", color: index, mark: .bars, points: points)
      }
    }
    let threshold = Plot.Rule(.y, at: plan.thresholdMs, "K")
    let wait = PlotAxis("ms", scale: .logarithmic)
    return PlotSheet([
      Plot(
        "Goodput over what the link carries", x: x, y: PlotAxis("utilization", range: 0...1.05),
        series: bars(\.utilization)),
      Plot(
        "Wait in the queue, mean", x: x, y: wait, series: bars(\.measures.queueMs.mean), rules: [threshold]),
      Plot("Wait in the queue, 95%", x: x, y: wait, series: bars(\.measures.queueMs.p95), rules: [threshold]),
      Plot("Segments marked", x: x, y: PlotAxis("share", range: 0...1), series: bars(\.markedShare)),
    ])
  }
}
