import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedReport

/// The demonstration's tables and page.
package struct DemoReport: Sendable {
  package let outcome: DemoOutcome

  package init(_ outcome: DemoOutcome) { self.outcome = outcome }

  /// Figures of each congestion control.
  package var comparison: TextTable {
    TextTable(
      columns: [
        "congestion control", "goodput Mbit/s", "RTT mean ms", "RTT p95 ms", "queue mean ms",
        "retransmitted", "ns/inference", "least",
      ],
      rows: outcome.runs.map { run in
        [
          run.congestion, decimal(run.goodputMbps, 1), decimal(run.rttMeanMs, 1), decimal(run.rttP95Ms, 1),
          decimal(run.queueingDelayMeanMs, 1), "\(run.retransmits)",
          run.nsPerInference.map { decimal($0, 0) } ?? "–",
          run.nsPerInferenceLeast.map { decimal($0, 0) } ?? "–",
        ]
      })
  }

  /// The network's flow beside a rival, and before and after.
  package var besideTable: TextTable? {
    guard let beside = outcome.beside else { return nil }
    let fair = outcome.plan.cell.capacityMbps / 2
    func share(_ mbps: Double) -> String { "\(decimal(mbps, 1)) (\(decimal(100 * mbps / fair, 0))%)" }
    return TextTable(
      columns: [
        "beside \(beside.rival)", "own Mbit/s (of the fair part)", "rival's Mbit/s", "queue before ms",
        "beside it ms", "after it ms",
      ],
      rows: [
        [
          outcome.runs.first?.congestion ?? "", share(beside.ownMbps), share(beside.rivalMbps),
          decimal(beside.queueBeforeMs, 1), decimal(beside.queueBesideMs, 1),
          decimal(beside.queueAfterMs, 1),
        ]
      ])
  }

  /// Flows of each snapshot before and after the swap.
  package var snapshots: TextTable? {
    guard let swap = outcome.swap else { return nil }
    return TextTable(
      columns: ["snapshot", "version", "slot", "flows before", "flows after", "state after", "inferences"],
      rows: swap.after.map { slot in
        let earlier = swap.before.first { $0.version == slot.version }
        return [
          "\(slot.name) \(slot.digest.prefix(12))", "\(slot.version)", "\(slot.index)",
          earlier.map { "\($0.flows)" } ?? "–", "\(slot.flows)", slot.state, "\(slot.inferences)",
        ]
      })
  }

  /// The tables for a terminal.
  package var text: String {
    var parts: [String] = []
    if let reason = outcome.reason { parts.append("SIMULATED, not the kernel's TCP: \(reason)") }
    parts.append(comparison.text)
    if let besideTable { parts.append(besideTable.text) }
    if let snapshots, let swap = outcome.swap {
      parts.append(
        "New snapshot after \(decimal(swap.time, 1)) s\(swapTime(swap)):\n"
          + snapshots.text + "\n" + flowNote)
    }
    if let inferenceNote { parts.append(inferenceNote) }
    if let busyNote { parts.append(busyNote) }
    return parts.joined(separator: "\n\n")
  }

  /// Why there are more flows than transfers.
  private var flowNote: String {
    outcome.datapath == "kernel"
      ? "An iperf3 transfer is two flows: both ends of its data connection are on this machine."
      : "Flows are simulated; a flow keeps the snapshot that was active when it started."
  }

  /// In the simulator there is nothing to wait for.
  private func swapTime(_ swap: DemoOutcome.Swap) -> String {
    outcome.datapath == "kernel" ? ", in \(decimal(swap.milliseconds, 1)) ms" : ""
  }

  private var inferenceNote: String? {
    outcome.inference.map { inference in
      "One inference alone, by test run: \(decimal(inference.kernelNs, 0)) ns in the kernel "
        + "(\(decimal(inference.emptyNs, 0)) of them set-up), \(decimal(inference.nativeScalarNs, 0)) ns as "
        + "native scalar C, \(decimal(inference.roundtripNs, 0)) ns to user space and back. In live traffic, "
        + "as in the table, caches are cold and the machine is busy."
    }
  }

  private var busyNote: String? {
    outcome.runs.contains(where: \.fellBehind) || outcome.beside?.fellBehind == true
      ? "The machine was too busy for exact figures: the link's emulator fell behind its plan." : nil
  }

  package var html: String {
    let plan = outcome.plan
    var blocks: [HTMLReport.Block] = []
    if let reason = outcome.reason {
      blocks.append(.notice("Simulated: \(reason) The figures below are not the kernel's TCP."))
    }
    if let busyNote { blocks.append(.notice(busyNote)) }
    blocks.append(
      .paragraph(
        "One flow at a time over an emulated link of \(plan.cell.label) of buffer (\(plan.cell.bufferBytes) "
          + "bytes). Its most goodput is \(decimal(plan.cell.capacityMbps, 1)) Mbit/s of payload; the first "
          + "\(plan.warmUp) of \(plan.seconds) seconds do not count in the table."))
    blocks += [
      .heading("Results"), .table(comparison),
    ]
    if let inferenceNote { blocks.append(.paragraph(inferenceNote)) }
    blocks += [
      .heading("Rate and round-trip time"), .plots(comparisonPlots),
    ]
    if let beside = outcome.beside, let besideTable {
      blocks += [
        .heading("Beside a rival that fills the queue"),
        .paragraph(
          "A flow of \(beside.rival) comes after \(decimal(beside.from, 1)) s and goes after "
            + "\(decimal(beside.until, 1)) s. A flow that keeps queues short would give way to it until "
            + "nothing was left; the network tells that the queue is another's, and the flow holds its part "
            + "as \(beside.rival) would until the other has gone."),
        .table(besideTable), .plots(besidePlot(beside)),
      ]
    }
    if let swap = outcome.swap, let snapshots {
      blocks += [
        .heading("A new snapshot while flows run"),
        .paragraph(
          "After \(decimal(swap.time, 1)) s a new snapshot was put in\(swapTime(swap)). The flow that was "
            + "running stays on the snapshot that it started with; the flow that starts "
            + "at \(decimal(swap.secondFlowTime, 1)) s takes the new one."),
        .table(snapshots), .paragraph(flowNote), .plots(swapPlot(swap)),
      ]
    }
    blocks += [
      .heading("How this was measured"),
      .paragraph(
        outcome.datapath == "kernel"
          ? "iperf3 between two network namespaces; goodput is what the receiving program read, RTT is "
            + "TCP's own smoothed value every 100 ms, the queueing delay is recorded in the bottleneck."
          : "A packet-level simulation with the controller's own code and the snapshot in the reference "
            + "interpreter, which gives the same bits as the kernel's program."),
      .paragraph(
        "Linux \(outcome.host.kernel), \(outcome.host.processors) × \(outcome.host.processor), "
          + "\(outcome.host.iperf3)."),
    ]
    return HTMLReport(
      "Medulla: a network steers TCP",
      subtitle: outcome.datapath == "kernel" ? "Measured on this machine's kernel" : "Simulated",
      blocks: blocks
    ).html
  }

  private var comparisonPlots: PlotSheet {
    func series(_ values: (DemoOutcome.Run) -> [TimedValue]) -> [Plot.Series] {
      outcome.runs.enumerated().map { index, run in
        Plot.Series(
          run.congestion, color: index, points: values(run).map { Plot.Point($0.time, $0.value) })
      }
    }
    let time = PlotAxis("time (s)", range: 0...Double(outcome.plan.seconds))
    return PlotSheet([
      Plot(
        "Goodput; dashed: the link's payload capacity", x: time, y: PlotAxis("goodput (Mbit/s)"),
        series: series(\.rate),
        rules: [.init(.y, at: outcome.plan.cell.capacityMbps, "")]),
      Plot(
        "Round-trip time; dashed: the empty path's", x: time, y: PlotAxis("RTT (ms)"), series: series(\.rtt),
        rules: [.init(.y, at: outcome.plan.rttMilliseconds, "")]),
    ])
  }

  private func besidePlot(_ beside: DemoOutcome.Beside) -> PlotSheet {
    func points(_ values: [TimedValue]) -> [Plot.Point] { values.map { Plot.Point($0.time, $0.value) } }
    return PlotSheet([
      Plot(
        "Goodput beside \(beside.rival); dashed: half of the link's payload capacity",
        x: PlotAxis("time (s)", range: 0...Double(outcome.plan.besideSeconds)),
        y: PlotAxis("goodput (Mbit/s)"),
        series: [
          .init(outcome.runs.first?.congestion ?? "", color: 0, points: points(beside.own)),
          .init(beside.rival, color: 1, points: points(beside.other)),
        ], rules: [.init(.y, at: outcome.plan.cell.capacityMbps / 2, "")])
    ])
  }

  private func swapPlot(_ swap: DemoOutcome.Swap) -> PlotSheet {
    func points(_ values: [TimedValue]) -> [Plot.Point] { values.map { Plot.Point($0.time, $0.value) } }
    return PlotSheet([
      Plot(
        "Goodput across the swap", x: PlotAxis("time (s)", range: 0...Double(outcome.plan.swapSeconds)),
        y: PlotAxis("goodput (Mbit/s)"),
        series: [
          .init("flow on the first snapshot", color: 0, points: points(swap.first)),
          .init("flow on the second snapshot", color: 3, points: points(swap.second)),
        ], rules: [.init(.x, at: swap.time, "new snapshot")])
    ])
  }
}
