import CMedullaABI

extension CongestionSimulator {
  /// What `tcp_ack` does for a congestion control with `cong_control`: counts, RTT, the rate sample
  /// (`tcp_rate_gen`), then the controller and, at the end of a monitor interval, the network.
  func acknowledge(_ flow: UnsafeMutablePointer<SimulatedFlow>) {
    let group = flow.pointee.acknowledgements.removeFirst()
    let count = Int64(group.count)
    if group.lostBefore > 0 { learnOfLoss(flow, Int64(group.lostBefore)) }
    flow.pointee.inFlight -= count
    flow.pointee.delivered += count
    flow.pointee.probes = 0
    flow.pointee.lastAcknowledged = now
    let wasLimited = flow.pointee.inFlight + count >= flow.pointee.window * 3 / 4
    if flow.pointee.limitedUntil > 0, flow.pointee.delivered > flow.pointee.limitedUntil {
      flow.pointee.limitedUntil = 0
    }
    var ack = mcc_ack()
    ack.now_us = UInt64(now / 1000)
    if !group.isRetransmission { sampleRTT(flow, now - group.sent, &ack) }

    let sendTime = group.sent - group.firstSent
    let receiveTime = now - group.deliveredStamp
    flow.pointee.firstSent = group.sent
    flow.pointee.deliveredStamp = now
    if max(sendTime, receiveTime) >= flow.pointee.minRTT {
      ack.delivered = UInt32(clamping: flow.pointee.delivered - group.delivered)
      ack.send_us = UInt32(clamping: sendTime / 1000)
      ack.receive_us = UInt32(clamping: receiveTime / 1000)
    }
    ack.srtt_us = UInt32(clamping: flow.pointee.smoothedRTT / 1000)
    ack.acked = UInt32(group.count)
    ack.lost = UInt32(clamping: flow.pointee.unreportedLost)
    ack.in_flight = UInt32(clamping: flow.pointee.inFlight)
    ack.packet_bytes = UInt32(scenario.payloadBytes)
    ack.app_limited = group.isApplicationLimited ? 1 : 0
    flow.pointee.unreportedLost = 0
    switch flow.pointee.sender {
    case .network:
      if mcc_on_ack(&flow.pointee.controller, &configuration, &ack) != 0 { decide(flow) }
      follow(flow)
    case .cubic: tellCubic(flow, count, ack, isLimited: wasLimited)
    case .bbr: tellBBR(flow, group, ack)
    }
  }

  private func learnOfLoss(_ flow: UnsafeMutablePointer<SimulatedFlow>, _ count: Int64) {
    if flow.pointee.sender == .cubic {
      flow.pointee.cubic.lose(
        gone: flow.pointee.delivered + flow.pointee.detectedLost, sent: flow.pointee.sent)
    }
    noteLost(flow, count)
  }

  private func tellCubic(
    _ flow: UnsafeMutablePointer<SimulatedFlow>, _ count: Int64, _ ack: mcc_ack, isLimited: Bool
  ) {
    flow.pointee.cubic.acknowledge(
      count, rtt: Int64(ack.rtt_us) * 1000, minRTT: flow.pointee.minRTT, now: now,
      gone: flow.pointee.delivered + flow.pointee.detectedLost, sent: flow.pointee.sent, isLimited: isLimited)
    flow.pointee.window = Int64(flow.pointee.cubic.window)
    flow.pointee.rate = pacing(flow, window: flow.pointee.cubic.window)
  }

  private func tellBBR(_ flow: UnsafeMutablePointer<SimulatedFlow>, _ group: PacketGroup, _ ack: mcc_ack) {
    let span = Double(max(ack.send_us, ack.receive_us))
    flow.pointee.bbr?.acknowledge(
      sample: ack.delivered > 0 && span > 0 ? Double(ack.delivered) * 1e6 / span : 0,
      isLimited: group.isApplicationLimited, rtt: Int64(ack.rtt_us) * 1000, now: now,
      delivered: flow.pointee.delivered, before: group.delivered, inFlight: flow.pointee.inFlight,
      lost: Int64(ack.lost))
    guard let bbr = flow.pointee.bbr else { return }
    flow.pointee.window = Int64(bbr.window)
    flow.pointee.rate = UInt64(max(bbr.rate, 1))
  }

  @inline(__always)
  private func sampleRTT(
    _ flow: UnsafeMutablePointer<SimulatedFlow>, _ rtt: Int64, _ ack: inout mcc_ack
  ) {
    if rtt < flow.pointee.minRTT { flow.pointee.minRTT = rtt }
    flow.pointee.smoothedRTT += (rtt - flow.pointee.smoothedRTT) / 8
    flow.pointee.sampledRTT += Double(rtt)
    flow.pointee.samples += 1
    flow.pointee.totalRTT += Double(rtt)
    flow.pointee.totalSamples += 1
    ack.rtt_us = UInt32(clamping: max(1, rtt / 1000))
  }

  private func decide(_ flow: UnsafeMutablePointer<SimulatedFlow>) {
    mcc_features(&flow.pointee.controller, features, Int32(MCC_FEATURES))
    let outputs = steering(flow - flows, features)
    mcc_act(&flow.pointee.controller, &configuration, outputs.action, outputs.verdict)
    flow.pointee.sampledRTT = 0
    flow.pointee.samples = 0
  }
}
