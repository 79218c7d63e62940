import CMedullaABI
import MedullaBase

/// A packet-level simulation of Linux TCP flows over one bottleneck, steered by the controller that the
/// kernel program includes.
///
/// It mirrors what the kernel path sees: paced bursts of segmentation offload (`tcp_tso_autosize`), the
/// congestion window, acknowledgements of several packets, rate samples (`tcp_rate.c`), loss known about one
/// round trip later, retransmissions, tail-loss probes and timeouts. The same scenario, seed and steering
/// give the same trace. Not for use from two threads at once.
package final class CongestionSimulator {
  /// Gives the network's outputs for the flow's `MCC_FEATURES` features (q16; the last intervals, oldest
  /// first, then those of the past).
  package typealias Steering = (_ flow: Int, _ features: UnsafePointer<Int64>) -> SteeringOutputs

  package let scenario: LinkScenario
  package private(set) var now: Int64 = 0
  var link: SimulatedLink
  let flows: UnsafeMutablePointer<SimulatedFlow>
  let flowCount: Int
  var configuration: mcc_config
  var generator: SeededGenerator
  var steering: Steering
  let features: UnsafeMutablePointer<Int64>
  let jitter: Double
  private var nextStall: Int64
  private var stallEnd: Int64 = 0
  private var nextCross: Int64
  private var nextChange = 0
  private var nextRoute = 0
  /// Nanoseconds that every round trip is longer by now.
  private(set) var detour = 0.0
  var isBad = false
  /// When the way back has carried the last acknowledgement.
  var returnFree = 0.0
  private var stopped = false

  /// - Throws: `LearningError` when the scenario makes no sense.
  package init(
    _ scenario: LinkScenario, configuration: mcc_config, steering: @escaping Steering
  ) throws(LearningError) {
    try scenario.check()
    self.scenario = scenario
    self.configuration = configuration
    self.steering = steering
    generator = SeededGenerator(seed: scenario.seed)
    link = SimulatedLink(
      rate: scenario.rate, packetBytes: scenario.packetBytes, bufferBytes: scenario.bufferBytes,
      policer: scenario.policer)
    jitter = scenario.jitter * 1e9
    flowCount = scenario.flows.count
    flows = .allocate(capacity: flowCount)
    features = .allocate(capacity: Int(MCC_FEATURES))
    features.initialize(repeating: 0, count: Int(MCC_FEATURES))
    nextStall = .max
    nextCross = scenario.crossRate > 0 ? 0 : .max
    for (index, flow) in scenario.flows.enumerated() {
      var state = SimulatedFlow(flow)
      if scenario.loss > 0 { state.untilLoss = generator.geometric(probability: scenario.loss) }
      (flows + index).initialize(to: state)
    }
    if scenario.stallEvery > 0, scenario.stallLongest > 0 { scheduleStall(after: 0) }
  }

  deinit {
    for index in 0..<flowCount { flows[index].acknowledgements.deallocate() }
    flows.deinitialize(count: flowCount)
    flows.deallocate()
    features.deallocate()
  }

  /// Ends `run` before its next event; for use by the steering.
  package func stop() { stopped = true }

  /// Simulates until `seconds` of simulated time have passed since the beginning.
  package func run(until seconds: Double) {
    let end = Int64(seconds * 1e9)
    stopped = false
    while !stopped {
      var chosen = -1
      var time = nextCross
      for index in 0..<flowCount where flows[index].next < time {
        time = flows[index].next
        chosen = index
      }
      guard time <= end else { break }
      advance(to: time)
      if chosen < 0 {
        offerCrossTraffic()
      } else {
        happen(to: flows + chosen)
      }
    }
    if !stopped, now < end { now = end }
  }

  private func advance(to time: Int64) {
    if time >= nextStall {
      stallEnd = nextStall + Int64(generator.unit() * scenario.stallLongest * 1e9)
      scheduleStall(after: max(stallEnd, time))
    }
    now = max(now, time, stallEnd)
    while nextChange < scenario.changes.count, Int64(scenario.changes[nextChange].time * 1e9) <= now {
      link.change(rate: scenario.changes[nextChange].rate)
      nextChange += 1
    }
    while nextRoute < scenario.routes.count, Int64(scenario.routes[nextRoute].time * 1e9) <= now {
      detour = scenario.routes[nextRoute].extra * 1e9
      nextRoute += 1
    }
  }

  private func scheduleStall(after time: Int64) {
    nextStall = time + Int64(generator.exponential(mean: scenario.stallEvery * 1e9))
  }

  private func offerCrossTraffic() {
    _ = link.offer(at: Double(now))
    let mean = Double(scenario.packetBytes) * 8e9 / scenario.crossRate
    nextCross = now + max(1, Int64(generator.exponential(mean: mean)))
    guard let pattern = scenario.crossPattern else { return }
    let period = Int64((pattern.on + pattern.off) * 1e9)
    let place = nextCross % period
    if place > Int64(pattern.on * 1e9) { nextCross += period - place }
  }

  /// One event of a flow: its start, an acknowledgement, a burst or a timer.
  private func happen(to flow: UnsafeMutablePointer<SimulatedFlow>) {
    if !flow.pointee.isStarted {
      begin(flow)
    } else if let first = flow.pointee.acknowledgements.first, first.pointee.arrival <= now {
      acknowledge(flow)
    }
    send(flow)
  }

  private func begin(_ flow: UnsafeMutablePointer<SimulatedFlow>) {
    // The handshake has measured the path: a small packet through the queue as it is.
    let wait = max(0, link.free - Double(now))
    let handshake = Int64(flow.pointee.roundTrip + detour + wait)
    flow.pointee.isStarted = true
    flow.pointee.minRTT = handshake
    flow.pointee.smoothedRTT = handshake
    flow.pointee.paced = now
    flow.pointee.firstSent = now
    flow.pointee.deliveredStamp = now
    if flow.pointee.on > 0 { flow.pointee.burstEnd = now + flow.pointee.on }
    let microseconds = UInt32(clamping: handshake / 1000)
    switch flow.pointee.sender {
    case .network: break
    case .cubic:
      flow.pointee.rate = pacing(flow, window: 10)
      return
    case .bbr:
      let phase = Int(truncatingIfNeeded: generator.next() % 7)
      let bbr = BBRSender(roundTrip: handshake, now: now, phase: phase, payload: scenario.payloadBytes)
      flow.pointee.rate = UInt64(bbr.rate)
      flow.pointee.bbr = bbr
      return
    }
    mcc_init(
      &flow.pointee.controller, &configuration, UInt64(now / 1000), microseconds, microseconds,
      UInt32(Self.initialWindow), UInt32(scenario.payloadBytes))
    follow(flow)
  }

  /// Takes over what the controller allows.
  @inline(__always)
  func follow(_ flow: UnsafeMutablePointer<SimulatedFlow>) {
    flow.pointee.rate = flow.pointee.controller.pace
    flow.pointee.window = Int64(flow.pointee.controller.window)
  }

  /// The pacing rate of Linux for a window (`tcp_update_pacing_rate`), by which bursts are sized; bytes/s.
  func pacing(_ flow: UnsafeMutablePointer<SimulatedFlow>, window: Double) -> UInt64 {
    UInt64(1.2 * window * Double(scenario.payloadBytes) * 1e9 / Double(max(flow.pointee.smoothedRTT, 1000)))
  }

  static let acknowledgementBits = 66.0 * 8
  static let initialWindow = 10
  static let retransmissionTimeout: Int64 = 200_000_000
  /// Bursts as `tcp_tso_autosize` makes them: a millisecond of data, 2 to 44 packets of 64 KB.
  static let burstShift = 10
  static let burstLeast: Int64 = 2
  static let burstMost: Int64 = 44
}
