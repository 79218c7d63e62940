import CMedullaABI

extension CongestionSimulator {
  /// Sends what pacing and the window allow now, then notes when the flow's next event is.
  func send(_ flow: UnsafeMutablePointer<SimulatedFlow>) {
    if now >= flow.pointee.end, flow.pointee.burstStart != .max {
      flow.pointee.burstStart = .max
      flow.pointee.burstEnd = .max
    }
    if now >= flow.pointee.burstEnd { fallSilent(flow) }
    if flow.pointee.acknowledgements.count == 0, flow.pointee.inFlight > 0, now >= timer(flow) { probe(flow) }
    if now >= flow.pointee.paced, hasData(flow), let size = burst(flow) { transmit(flow, size) }
    schedule(flow)
  }

  @inline(__always)
  private func hasData(_ flow: UnsafeMutablePointer<SimulatedFlow>) -> Bool {
    flow.pointee.toRetransmit > 0 || now >= flow.pointee.burstStart
  }

  private func fallSilent(_ flow: UnsafeMutablePointer<SimulatedFlow>) {
    flow.pointee.burstStart = flow.pointee.burstEnd + flow.pointee.off
    flow.pointee.burstEnd = flow.pointee.burstStart + flow.pointee.on
    flow.pointee.limitedUntil = max(1, flow.pointee.delivered + flow.pointee.inFlight)
  }

  /// Packets of the next burst; nil: the window is full, or Linux would wait for more room
  /// (`tcp_tso_should_defer`: less than a burst and less than a third of the window).
  @inline(__always)
  private func burst(_ flow: UnsafeMutablePointer<SimulatedFlow>) -> Int64? {
    let room = flow.pointee.window - flow.pointee.inFlight
    guard room > 0 else { return nil }
    let payload = UInt64(scenario.payloadBytes)
    let bytes = flow.pointee.rate >> UInt64(Self.burstShift)
    var size = Int64(clamping: bytes / payload)
    size = min(max(size, Self.burstLeast), Self.burstMost)
    if room >= size { return size }
    let third = flow.pointee.window / 3
    let isWaiting = flow.pointee.acknowledgements.count > 0 && now - flow.pointee.lastSent < 1_000_000
    return isWaiting && room < third ? nil : room
  }

  private func transmit(_ flow: UnsafeMutablePointer<SimulatedFlow>, _ size: Int64) {
    if flow.pointee.inFlight == 0 { restart(flow) }
    let retransmitted = min(size, flow.pointee.toRetransmit)
    flow.pointee.toRetransmit -= retransmitted
    var group = PacketGroup()
    group.sent = now
    group.firstSent = flow.pointee.firstSent
    group.deliveredStamp = flow.pointee.deliveredStamp
    group.delivered = flow.pointee.delivered
    group.isRetransmission = retransmitted > 0
    group.isApplicationLimited = flow.pointee.limitedUntil > 0
    let most = Int32(clamping: scenario.acknowledgedTogether)
    let time = Double(now)
    var left = 0.0
    for _ in 0..<size {
      if flow.pointee.untilLoss == 0 {
        flow.pointee.untilLoss = generator.geometric(probability: scenario.loss)
        flow.pointee.undetected += 1
        flow.pointee.lost += 1
        continue
      }
      if flow.pointee.untilLoss != .max { flow.pointee.untilLoss -= 1 }
      if isLostInBurst() {
        flow.pointee.undetected += 1
        flow.pointee.lost += 1
        continue
      }
      guard let leaves = link.offer(at: time) else {
        flow.pointee.undetected += 1
        flow.pointee.lost += 1
        continue
      }
      left = leaves
      group.count += 1
      if group.count == most {
        deliver(flow, group, left)
        group.count = 0
      }
    }
    if group.count > 0 { deliver(flow, group, left) }
    flow.pointee.sent += size
    flow.pointee.inFlight += size
    flow.pointee.lastSent = now
    pace(flow, size)
  }

  /// One step of the chain of bad times.
  @inline(__always)
  private func isLostInBurst() -> Bool {
    guard let burst = scenario.burstLoss else { return false }
    if generator.unit() < (isBad ? burst.toGood : burst.toBad) { isBad.toggle() }
    return isBad
  }

  /// When an acknowledgement that leaves the receiver at `time` arrives.
  @inline(__always)
  private func wayBack(_ time: Double) -> Double {
    var time = time
    if scenario.returnRate > 0 {
      returnFree = max(returnFree, time) + Self.acknowledgementBits * 1e9 / scenario.returnRate
      time = returnFree
    }
    guard scenario.aggregation > 0 else { return time }
    let period = scenario.aggregation * 1e9
    return (time / period).rounded(.up) * period
  }

  @inline(__always)
  private func deliver(_ flow: UnsafeMutablePointer<SimulatedFlow>, _ group: PacketGroup, _ left: Double) {
    var group = group
    var arrival = wayBack(left + flow.pointee.roundTrip + detour)
    if jitter > 0 { arrival += generator.exponential(mean: jitter) }
    group.arrival = max(Int64(arrival), flow.pointee.lastArrival)
    flow.pointee.lastArrival = group.arrival
    group.lostBefore = flow.pointee.undetected
    flow.pointee.undetected = 0
    flow.pointee.acknowledgements.append(group)
  }

  /// Nothing was in flight: rate samples begin anew, and a pause may restart the controller.
  private func restart(_ flow: UnsafeMutablePointer<SimulatedFlow>) {
    flow.pointee.firstSent = now
    flow.pointee.deliveredStamp = now
    guard flow.pointee.sent > 0, flow.pointee.sender == .network else { return }
    // The kernel tells of this whenever nothing was in flight, were it only between two paced bursts.
    mcc_on_restart(
      &flow.pointee.controller, &configuration, UInt64(now / 1000),
      UInt32(clamping: flow.pointee.smoothedRTT / 1000),
      UInt64(max(0, now - flow.pointee.lastAcknowledged) / 1000))
    follow(flow)
  }

  /// `tcp_update_skb_after_send`: the next burst waits for this one's time at the pacing rate, less what the
  /// timer came late, up to half.
  @inline(__always)
  private func pace(_ flow: UnsafeMutablePointer<SimulatedFlow>, _ size: Int64) {
    let bytes = Double(size * Int64(scenario.payloadBytes))
    guard flow.pointee.isPaced else {
      flow.pointee.paced = now
      return
    }
    let length = Int64(min(bytes * 1e9 / Double(max(1, flow.pointee.rate)), 1e11))
    let late = now - flow.pointee.paced
    flow.pointee.paced = now + length - min(length / 2, late)
  }

  /// A tail-loss probe after two round trips, then a timeout.
  private func timer(_ flow: UnsafeMutablePointer<SimulatedFlow>) -> Int64 {
    if flow.pointee.probes == 0 { return flow.pointee.lastSent + 2 * flow.pointee.smoothedRTT }
    let doubled = Int64(1) << Int64(min(flow.pointee.probes - 1, 6))
    return flow.pointee.lastSent + doubled * max(Self.retransmissionTimeout, 2 * flow.pointee.smoothedRTT)
  }

  private func probe(_ flow: UnsafeMutablePointer<SimulatedFlow>) {
    if flow.pointee.probes > 0 {
      flow.pointee.timeouts += 1
      noteLost(flow, flow.pointee.inFlight)
      flow.pointee.undetected = 0
      giveWay(flow)
    } else {
      // The probe repeats the last packet; the one that it repeats is lost.
      noteLost(flow, 1)
      if flow.pointee.undetected > 0 { flow.pointee.undetected -= 1 }
    }
    flow.pointee.probes += 1
    transmit(flow, 1)
  }

  private func giveWay(_ flow: UnsafeMutablePointer<SimulatedFlow>) {
    switch flow.pointee.sender {
    case .network:
      mcc_on_timeout(
        &flow.pointee.controller, &configuration, UInt64(now / 1000),
        UInt32(clamping: flow.pointee.smoothedRTT / 1000))
      follow(flow)
    case .cubic:
      flow.pointee.cubic.timeout(sent: flow.pointee.sent)
      flow.pointee.window = 1
    case .bbr: break
    }
  }

  func noteLost(_ flow: UnsafeMutablePointer<SimulatedFlow>, _ count: Int64) {
    flow.pointee.inFlight -= count
    flow.pointee.detectedLost += count
    flow.pointee.unreportedLost += count
    flow.pointee.toRetransmit += count
  }

  @inline(__always)
  private func schedule(_ flow: UnsafeMutablePointer<SimulatedFlow>) {
    var next = flow.pointee.acknowledgements.first?.pointee.arrival ?? .max
    let dataAt = flow.pointee.toRetransmit > 0 ? 0 : flow.pointee.burstStart
    let sendAt = max(flow.pointee.paced, dataAt, now)
    if sendAt < next {
      if sendAt > now || burst(flow) != nil { next = min(next, max(sendAt, now + 1)) }
    }
    if flow.pointee.acknowledgements.count == 0, flow.pointee.inFlight > 0 {
      next = min(next, max(timer(flow), now + 1))
    }
    if flow.pointee.end != .max, flow.pointee.burstStart != .max {
      next = min(next, max(flow.pointee.end, now + 1))
    }
    if flow.pointee.burstEnd != .max { next = min(next, max(flow.pointee.burstEnd, now + 1)) }
    flow.pointee.next = next
  }
}
