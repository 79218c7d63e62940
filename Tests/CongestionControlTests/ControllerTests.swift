import CMedullaABI
import Testing

@Suite("Congestion controller")
struct ControllerTests {
  @Test("the start doubles the delivery rate and ends when it no longer grows")
  func startEnds() {
    let subject = ControlledFlow()
    #expect(subject.flow.phase == MCC_START.rawValue)
    subject.reachSteering(packets: 100)
    #expect(subject.flow.phase == MCC_STEER.rawValue)
    // 100 packets of 1448 bytes in 40 ms: 3.62 MB/s; the network begins a little below it.
    #expect(abs(Double(subject.flow.rate) - 3.62e6 * 15 / 16) < 0.1e6)
  }

  @Test("delay ends the start within a quarter of a round trip and drains the queue")
  func delayEndsStart() {
    let subject = ControlledFlow()
    for _ in 0..<4 { _ = subject.interval(acked: 10) }
    #expect(subject.flow.phase == MCC_START.rawValue)
    let rate = subject.flow.rate
    _ = subject.interval(rtt: 60_000, acked: 10)
    #expect(subject.flow.phase == MCC_DRAIN.rawValue)
    #expect(subject.flow.rate < rate / 2)
  }

  @Test("a random loss does not end the start, a burst of losses does")
  func lossInStart() {
    let subject = ControlledFlow()
    _ = subject.acknowledge(after: 20_000, acked: 20, lost: 1)
    #expect(subject.flow.phase == MCC_START.rawValue)
    _ = subject.acknowledge(after: 20_000, acked: 20, lost: 10)
    #expect(subject.flow.phase == MCC_DRAIN.rawValue)
  }

  @Test(
    "an action moves the rate as Aurora defines it",
    arguments: [(4.0, 1.1), (-4.0, 1 / 1.1), (0.0, 1.0), (100.0, 1.25), (-100.0, 0.8)])
  func actions(action: Double, factor: Double) {
    let subject = ControlledFlow { $0.fairness_q16 = 0 }
    subject.reachSteering()
    #expect(subject.interval(acked: 10))
    let rate = Double(subject.flow.rate)
    mcc_act(&subject.flow, &subject.config, Int64(action * 65536), Int64(MCC_NO_VERDICT))
    #expect(abs(Double(subject.flow.rate) / rate - factor) < 1e-4)
  }

  @Test("the rate does not run away from what the path delivers")
  func headroom() {
    let subject = ControlledFlow()
    subject.reachSteering()
    for _ in 0..<60 where subject.interval(acked: 10) {
      mcc_act(&subject.flow, &subject.config, 10 << 16, Int64(MCC_NO_VERDICT))
    }
    #expect(Double(subject.flow.rate) < 3.62e6 * 2.1)
  }

  @Test("growth per interval is larger for the smaller of two windows")
  func fairness() {
    func growth(packets: UInt32) -> Double {
      let subject = ControlledFlow()
      subject.reachSteering(packets: packets)
      return Double(mcc_fair_growth(&subject.flow, &subject.config)) / Double(subject.flow.rate)
    }
    #expect(growth(packets: 20) > 1.5 * growth(packets: 400))
    #expect(growth(packets: 400) > 1.5 * growth(packets: 4000))
  }

  @Test("features are latency inflation, latency ratio and send ratio, the newest last")
  func features() {
    let subject = ControlledFlow()
    subject.reachSteering()
    let base = Double(mcc_base_rtt(&subject.flow, &subject.config))
    let own = Double(mcc_own_us(&subject.flow))
    for step in 0..<10 {
      _ = subject.acknowledge(
        after: 4000, rtt: step < 5 ? 44_000 : 48_000, acked: 10, sendTime: 3200)
    }
    let newest = Array(subject.features[..<Int(MCC_RECENT)].suffix(3))
    // Two means 4 ms apart, one sample either way at the middle, in an interval of 40 ms.
    #expect(abs(newest[0] - 0.1) < 0.03)
    #expect(abs(newest[1] - (base + 6000 - own / 2) / base) < 0.02)
    #expect(abs(newest[2] - 1.25) < 0.01)
  }

  @Test("packets lost and accurately marked count as sent but not delivered", arguments: [true, false])
  func marks(byMark: Bool) {
    let subject = ControlledFlow { $0.ecn = MCC_ECN_ACCURATE.rawValue }
    subject.reachSteering()
    _ = subject.interval(acked: 10, lost: byMark ? 0 : 1, marked: byMark ? 1 : 0)
    #expect(abs(subject.features[Int(MCC_RECENT) - 1] - 1.1) < 0.001)
  }

  @Test("an interval in which the application sends little asks for no decision")
  func applicationLimited() {
    let subject = ControlledFlow()
    subject.reachSteering()
    let before = subject.features
    #expect(!subject.interval(rtt: 80_000, acked: 10, appLimited: true))
    #expect(subject.features == before)
    #expect(subject.interval(acked: 10))
  }

  @Test("a timeout halves the rate and ends the start")
  func timeout() {
    let subject = ControlledFlow()
    let rate = subject.flow.rate
    mcc_on_timeout(&subject.flow, &subject.config, subject.now + 200_000, 40_000)
    #expect(subject.flow.phase == MCC_STEER.rawValue)
    #expect(abs(Int64(subject.flow.rate) - Int64(rate / 2)) < 2)
  }

  @Test("a long silence begins a new start, a short one does not")
  func restart() {
    let subject = ControlledFlow()
    subject.reachSteering()
    let rate = subject.flow.rate
    mcc_on_restart(&subject.flow, &subject.config, subject.now, 40_000, 500_000)
    #expect(subject.flow.phase == MCC_STEER.rawValue)
    #expect(subject.flow.rate == rate)
    mcc_on_restart(&subject.flow, &subject.config, subject.now, 40_000, 3_000_000)
    #expect(subject.flow.phase == MCC_START.rawValue)
    #expect(subject.flow.rate < rate)
  }

  @Test("a moment with nothing in flight does not begin the interval anew, a pause does")
  func gapBetweenBursts() {
    let subject = ControlledFlow()
    subject.reachSteering()
    _ = subject.acknowledge(after: 4000, acked: 5)
    mcc_on_restart(&subject.flow, &subject.config, subject.now, 40_000, 40_000)
    #expect(subject.flow.acked == 5)
    mcc_on_restart(&subject.flow, &subject.config, subject.now, 40_000, 60_000)
    #expect(subject.flow.acked == 0)
  }

  @Test("the guard takes over after bad intervals in a row and gives back after clean ones")
  func guardTrips() {
    let subject = ControlledFlow { $0.fairness_q16 = 0 }
    subject.reachSteering()
    var asked = 0
    for _ in 0..<Int(subject.config.guard_intervals) where subject.interval(acked: 10, lost: 10) {
      asked += 1
    }
    #expect(subject.flow.phase == MCC_GUARD.rawValue)
    #expect(subject.flow.guard_events == 1)
    #expect(asked == Int(subject.config.guard_intervals) - 1)
    let rate = subject.flow.rate
    mcc_act(&subject.flow, &subject.config, 10 << 16, Int64(MCC_NO_VERDICT))
    #expect(subject.flow.rate == rate, "the network has no say under the guard")
    for _ in 0..<Int(subject.config.guard_recovery) { #expect(!subject.interval(acked: 10)) }
    #expect(subject.flow.phase == MCC_STEER.rawValue)
    #expect(subject.interval(acked: 10))
  }

  @Test("one bad interval between clean ones does not trip the guard")
  func guardNeedsARow() {
    let subject = ControlledFlow()
    subject.reachSteering()
    for index in 0..<20 { _ = subject.interval(acked: 10, lost: index % 3 == 0 ? 10 : 0) }
    #expect(subject.flow.guard_events == 0)
  }

  @Test("now and then the window gives way for one interval, and two are not judged")
  func probe() {
    let subject = ControlledFlow { $0.fairness_q16 = 0 }
    subject.reachSteering()
    for _ in 0..<Int(MCC_PROBE_FIRST) {
      #expect(subject.interval(acked: 10))
      mcc_act(&subject.flow, &subject.config, 0, Int64(MCC_NO_VERDICT))
    }
    let features = subject.features
    let small = subject.flow.window
    #expect(!subject.interval(acked: 10))
    let restored = subject.flow.window
    #expect(restored >= small * 2 - 1)
    #expect(!subject.interval(acked: 10))
    #expect(subject.features == features)
    #expect(subject.interval(acked: 10))
  }

  @Test("actions in shorter intervals add up to one round trip's", arguments: [256, 128, 64, 26] as [UInt32])
  func shortIntervals(fraction: UInt32) {
    let subject = ControlledFlow { config in
      config.fairness_q16 = 0
      config.interval_fraction_q8 = fraction
      config.interval_min_packets = 1
    }
    subject.reachSteering()
    let (rate, begin) = (Double(subject.flow.rate), subject.now)
    while subject.now < begin + 4 * 40_000 {
      if subject.acknowledge(after: 2000, acked: 5) {
        mcc_act(&subject.flow, &subject.config, 2 << 16, Int64(MCC_NO_VERDICT))
      }
    }
    // 2 / 40 in each of four round trips.
    #expect(abs(Double(subject.flow.rate) / rate - 1.2155) < 0.02)
  }

  @Test("an interval of every acknowledgement decides on each")
  func everyAcknowledgement() {
    let subject = ControlledFlow { config in
      config.interval_fraction_q8 = 0
      config.interval_min_packets = 1
    }
    subject.reachSteering()
    for _ in 0..<5 { #expect(subject.acknowledge(after: 1000)) }
  }
}
