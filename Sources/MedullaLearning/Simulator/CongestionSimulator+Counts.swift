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
    /// Whether the controller believes in a rival, the mean of the verdicts, and how often it began to.
    package let hasRival: Bool
    package let verdict: Double
    package let rivalEvents: Int
    /// Packets that CUBIC would have in flight.
    package let shadow: Double
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
    let isOurs = flow.sender == .network
    return FlowCounts(
      sent: flow.sent, delivered: flow.delivered, lost: flow.lost,
      underway: flow.sent - flow.delivered - flow.lost, inFlight: flow.inFlight, timeouts: flow.timeouts,
      rate: Double(isOurs ? flow.controller.rate : flow.rate) * 8, window: Int(flow.window),
      phase: Int(flow.controller.phase), decisions: Int(flow.controller.decisions),
      guardEvents: Int(flow.controller.guard_events), hasRival: flow.controller.rival != 0,
      verdict: Double(flow.controller.verdict) / 65536, rivalEvents: Int(flow.controller.rival_events),
      shadow: Double(flow.controller.shadow.window) / Double(1 << MCC_SHADOW_SHIFT),
      minRTT: Double(flow.minRTT) / 1e9,
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
    follow(flows + index)
  }

  /// Seconds of simulated time.
  package var seconds: Double { Double(now) / 1e9 }
}
