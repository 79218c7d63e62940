import CCongestion

extension CongestionSimulator {
  /// What a flow has done so far. Counts are packets, times seconds, rates bits of payload a second.
  public struct FlowCounts: Sendable, Equatable {
    public let sent: Int64
    public let delivered: Int64
    /// Lost on the way, known to the sender or not.
    public let lost: Int64
    /// In the network: neither delivered nor lost.
    public let underway: Int64
    /// What the sender believes to be in flight.
    public let inFlight: Int64
    public let timeouts: Int
    public let rate: Double
    public let window: Int
    public let phase: Int
    public let decisions: Int
    public let guardEvents: Int
    public let minRTT: Double
    /// The sum and the number of RTT samples.
    public let rttSum: Double
    public let rttSamples: Double
  }

  /// What the bottleneck has done so far.
  public struct LinkCounts: Sendable, Equatable {
    public let accepted: Int64
    public let dropped: Int64
    /// Sum over accepted packets of the seconds they waited before service.
    public let waited: Double
  }

  public var linkCounts: LinkCounts {
    LinkCounts(accepted: link.accepted, dropped: link.dropped, waited: link.waited / 1e9)
  }

  /// Seconds of service that the queue holds now.
  public var backlogSeconds: Double { max(0, link.free - Double(now)) / 1e9 }

  public func counts(of index: Int) -> FlowCounts {
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
  public func recentRTT(of index: Int) -> Double? {
    flows[index].samples > 0 ? flows[index].sampledRTT / flows[index].samples / 1e9 : nil
  }

  /// Multiplies the flow's rate, as an experiment that sets it off balance.
  public func disturb(flow index: Int, factor: Double) {
    let rate = Double(flows[index].controller.rate) * factor
    mcc_set_rate(&flows[index].controller, &configuration, UInt64(min(max(rate, 1), 1e12)))
  }

  /// Seconds of simulated time.
  public var seconds: Double { Double(now) / 1e9 }
}
