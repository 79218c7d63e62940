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

extension FlowMeasures {
  /// Every figure by its name.
  var reading: Reading {
    let processors = Double(max(self.processors.busyByProcessor.count, 1))
    let softirq = self.processors.softirqByProcessor.first
    let agent = inference?.processorShare
    var reading = Reading(
      [
        FlowMetrics.goodput: goodputMbps, FlowMetrics.deviation: deviationMbps, FlowMetrics.jain: jain,
        FlowMetrics.retransmits: Double(retransmits), FlowMetrics.dropped: Double(dropped),
        FlowMetrics.lost: Double(lost), FlowMetrics.busy: self.processors.busy,
        FlowMetrics.softirq: self.processors.softirq, FlowMetrics.senderSoftirq: softirq,
        FlowMetrics.senderBusy: self.processors.busyByProcessor.first, FlowMetrics.agent: agent,
        // What other programs of the machine do is not in it.
        FlowMetrics.spent: softirq.map {
          $0 + (self.processors.processes["sender"] ?? 0) * processors + (agent ?? 0)
        },
        FlowMetrics.inferences: inference.map { Double($0.inferences) },
        FlowMetrics.reports: inference?.reports.map { Double($0) },
        FlowMetrics.droppedReports: inference?.droppedReports.map { Double($0) },
        FlowMetrics.answerMicroseconds: inference?.meanMicroseconds,
        FlowMetrics.backgroundSent: backgroundSentMbps,
        FlowMetrics.backgroundReceived: backgroundReceivedMbps,
      ], faults: faults)
    reading.note(rttMs, FlowMetrics.roundTrip)
    reading.note(queueMs, FlowMetrics.queue)
    return reading
  }
}
