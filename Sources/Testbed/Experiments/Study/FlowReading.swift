import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// What trials of TCP flows measure.
package enum FlowMetrics {
  package static let goodput = Metric("goodput_mbps", "goodput", "Mbit/s", places: 1)
  package static let deviation = Metric("deviation_mbps", "deviation over 0.1 s", "Mbit/s", places: 1)
  package static let jain = Metric("jain", "Jain's index")
  package static let roundTrip = PercentileMetrics("rtt_ms", "round trip", "ms")
  package static let queue = PercentileMetrics("queue_ms", "wait in the queue", "ms")
  package static let retransmits = Metric("retransmits", "segments sent again", places: 1)
  package static let dropped = Metric("dropped", "segments dropped", places: 1)
  package static let lost = Metric("lost", "segments lost", places: 1)
  package static let busy = Metric("busy_share", "busy share of all processors")
  package static let softirq = Metric("softirq_share", "softirq's share of all processors")
  package static let senderBusy = Metric("sender_busy", "busy share of the sender's processor")
  package static let senderSoftirq = Metric("sender_softirq", "softirq's share of the sender's processor")
  package static let spent = Metric("spent", "softirq, sender and user process, of the sender's processor")
  package static let agent = Metric("agent_share", "user process's share of a processor")
  package static let inferences = Metric("inferences", "inferences", places: 0)
  package static let reports = Metric("reports", "reports to user space", places: 0)
  package static let droppedReports = Metric("dropped_reports", "reports without room", places: 0)
  package static let answerMicroseconds = Metric("answer_us", "report to answer", "µs", places: 1)
  package static let backgroundSent = Metric("background_sent_mbps", "background sent", "Mbit/s", places: 1)
  package static let backgroundReceived = Metric(
    "background_received_mbps", "background received", "Mbit/s", places: 1)
}

extension FlowTrial {
  /// Every figure of the flows after the warm-up by its name. Retransmissions count from the transfer's start
  /// on, what was dropped and lost has the background's too.
  func reading(
    _ result: TransferResult, _ report: LinkReport, _ shares: ProcessorMeter.Shares,
    _ inference: Steering.Counts?
  ) throws -> Reading {
    let window = try report.forward.measured()
    let (start, end) = (Double(warmUp), Double(seconds))
    let rates = result.flows.map { $0.goodput(from: start, to: end) / 1e6 }
    let series = result.goodputSeries(from: start, to: end, every: interval)
    let processors = Double(max(shares.busyByProcessor.count, 1))
    let (softirq, agent) = (shares.softirqByProcessor.first, inference?.processorShare)
    var reading = Reading([
      FlowMetrics.goodput: rates.reduce(0, +), FlowMetrics.deviation: Statistics.deviation(series),
      FlowMetrics.jain: Statistics.jain(rates),
      FlowMetrics.retransmits: Double(result.retransmits(until: end + interval / 2)),
      FlowMetrics.dropped: Double(window.droppedSegments), FlowMetrics.lost: Double(window.lostSegments),
      FlowMetrics.busy: shares.busy, FlowMetrics.softirq: shares.softirq,
      FlowMetrics.senderSoftirq: softirq, FlowMetrics.senderBusy: shares.busyByProcessor.first,
      FlowMetrics.agent: agent,
      // What other programs of the machine do is not in it.
      FlowMetrics.spent: softirq.map { $0 + (shares.processes["sender"] ?? 0) * processors + (agent ?? 0) },
      FlowMetrics.inferences: inference.map { Double($0.inferences) },
      FlowMetrics.reports: inference?.reports.map { Double($0) },
      FlowMetrics.droppedReports: inference?.droppedReports.map { Double($0) },
      FlowMetrics.answerMicroseconds: inference?.meanMicroseconds,
    ])
    reading.note(Percentiles(result.roundTrips(from: start)), FlowMetrics.roundTrip)
    reading.note(Percentiles(window.queueingDelay), FlowMetrics.queue)
    if window.fellBehind { reading.faults.append(Reading.late) }
    // Flows whose sender gets too little of its processor are limited by the application, and may never leave
    // the controller's start.
    if inference?.inferences == 0 { reading.faults.append("the network was never asked") }
    return reading
  }

  /// A background that gets less of what it was to send leaves the link to the flow.
  private static let leastBackground = 0.95

  /// What was sent beside the flows, as IP packets.
  ///
  /// - Parameter began: when its pattern began, in seconds of the transfer.
  func note(
    _ reading: inout Reading, from before: BackgroundTraffic.Counts, to after: BackgroundTraffic.Counts,
    began: Double
  ) {
    let bits = Double(BackgroundTraffic.packetBytes * 8) / Double(max(seconds - warmUp, 1))
    let duty = background.duty(from: Double(warmUp) - began, to: Double(seconds) - began)
    let sent = Double(after.sent - before.sent) * bits / 1e6
    reading[FlowMetrics.backgroundSent] = sent
    reading[FlowMetrics.backgroundReceived] = Double(after.received - before.received) * bits / 1e6
    if sent < background.bitsPerSecond * duty / 1e6 * Self.leastBackground {
      reading.faults.append("of the background, only \(decimal(sent, 0)) Mbit/s")
    }
  }
}

extension PathReport {
  /// The window between the warm-up and the end.
  func measured() throws -> PathWindow {
    guard windows.count == 3 else {
      throw TestbedError(
        .linkFailed, "The link recorded \(windows.count) windows instead of 3.",
        remedy: "Run again; report this if it comes back.")
    }
    return windows[1]
  }
}
