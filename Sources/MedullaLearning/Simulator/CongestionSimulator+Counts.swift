import CMedullaABI

extension CongestionSimulator {
  /// What a flow has done so far. Counts are packets, times seconds, rates bits of payload a second.
  package struct FlowCounts: Sendable, Equatable {
    package let sent: Int64
    package let delivered: Int64
    /// Lost on the way, known to the sender or not.
    package let lost: Int64
    /// In the network: neither delivered nor lost.
    package let underway: Int64
    /// What the sender believes to be in flight.
    package let inFlight: Int64
    package let timeouts: Int
    package let rate: Double
    package let window: Int
    package let phase: Int
    package let decisions: Int
    package let guardEvents: Int
    package let minRTT: Double
    /// The sum and the number of RTT samples.
    package let rttSum: Double
    package let rttSamples: Double
  }

  /// What the bottleneck has done so far.
  package struct LinkCounts: Sendable, Equatable {
    package let accepted: Int64
    package let dropped: Int64
    /// Sum over accepted packets of the seconds they waited before service.
    package let waited: Double
  }

  package var linkCounts: LinkCounts {
    LinkCounts(accepted: link.accepted, dropped: link.dropped, waited: link.waited / 1e9)
  }

  /// Seconds of service that the queue holds now.
  package var backlogSeconds: Double { max(0, link.free - Double(now)) / 1e9 }

  package func counts(of index: Int) -> FlowCounts {
    let flow = flows[index]
    return FlowCounts(
      sent: flow.sent, delivered: flow.delivered, lost: flow.lost,
      underway: flow.sent - flow.delivered - flow.lost, inFlight: flow.inFlight, timeouts: flow.timeouts,
      rate: Double(flow.controller.rate) * 8, window: Int(flow.controller.window),
      phase: Int(flow.controller.phase), decisions: Int(flow.controller.decisions),
      guardEvents: Int(flow.controller.guard_events), minRTT: Double(flow.minRTT) / 1e9,
      rttSum: flow.totalRTT / 1e9, rttSamples: flow.totalSamples)
  }

  /// The mean RTT in seconds since the network last decided for the flow.
  package func recentRTT(of index: Int) -> Double? {
    flows[index].samples > 0 ? flows[index].sampledRTT / flows[index].samples / 1e9 : nil
  }

  /// Multiplies the flow's rate, as an experiment that sets it off balance.
  package func disturb(flow index: Int, factor: Double) {
    let rate = Double(flows[index].controller.rate) * factor
    mcc_set_rate(&flows[index].controller, &configuration, UInt64(min(max(rate, 1), 1e12)))
  }

  /// Seconds of simulated time.
  package var seconds: Double { Double(now) / 1e9 }
}
