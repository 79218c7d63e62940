import CMedullaABI
import Testing

@Suite("Rivals who do not give way")
struct RivalTests {
  static let one = Double(MCC_ONE)

  static func judge(_ subject: ControlledFlow, _ verdict: Double) {
    mcc_judge(&subject.flow, &subject.config, Int64(verdict * one))
  }

  /// A flow in steering that has seen a long queue. It begins to believe in a rival above a mean verdict of
  /// a half and stops below minus a half.
  static func queued(
    minRTT: UInt32 = 40_000, rtt: UInt32 = 80_000, change: (inout mcc_config) -> Void = { _ in }
  ) -> ControlledFlow {
    let subject = ControlledFlow(minRTT: minRTT) { config in
      config.rival_enter_q16 = MCC_ONE / 2
      config.rival_leave_q16 = -MCC_ONE / 2
      change(&config)
    }
    subject.reachSteering(packets: 100)
    for _ in 0..<2 { _ = subject.interval(rtt: rtt, acked: 10) }
    return subject
  }

  /// One that believes in a rival.
  static func beside(
    minRTT: UInt32 = 40_000, rtt: UInt32 = 80_000, change: (inout mcc_config) -> Void = { _ in }
  ) -> ControlledFlow {
    let subject = queued(minRTT: minRTT, rtt: rtt, change: change)
    for _ in 0..<20 where subject.flow.rival == 0 { judge(subject, 4) }
    return subject
  }

  static func act(_ subject: ControlledFlow, _ action: Int64, verdict: Double? = nil) {
    let verdict = verdict.map { Int64($0 * one) } ?? Int64(MCC_NO_VERDICT)
    mcc_act(&subject.flow, &subject.config, action << 16, verdict)
  }

  /// Decisions until the next look begins; the round trip outside of looks and in them, in microseconds.
  static func untilLook(_ subject: ControlledFlow, rtt: UInt32 = 80_000, inLook: UInt32 = 80_000) -> Int? {
    var decisions = 0
    for _ in 0..<2000 {
      let isLooking = subject.flow.probing > 0
      guard subject.interval(rtt: isLooking ? inLook : rtt, acked: 10) else { continue }
      decisions += 1
      act(subject, 0, verdict: 4)
      if subject.flow.probing > 0 { return decisions }
    }
    return nil
  }

  // MARK: Verdicts

  @Test("the mean of some eight verdicts decides, late enough to pass over single ones")
  func mean() {
    let subject = Self.queued()
    let enter = Double(subject.config.rival_enter_q16) / Self.one
    let leave = Double(subject.config.rival_leave_q16) / Self.one
    #expect(leave < 0 && enter > 0)
    var mean = leave
    for verdict in [4.0, -4, 1, 1, 4, 4, 4, 4, -1, -4, -4, -4, -4, -4, -4, -4, 2, 2, 2] {
      let before = subject.flow.rival
      Self.judge(subject, verdict)
      mean += (verdict - mean) / 8
      #expect(abs(Double(subject.flow.verdict) / Self.one - mean) < 0.001)
      let expected: UInt32 = mean > enter ? 1 : mean < leave ? 0 : before
      #expect(subject.flow.rival == expected, "mean \(mean)")
    }
    #expect(subject.flow.rival_events >= 1)
  }

  @Test("between the two bounds a flow believes what it believed")
  func hysteresis() {
    let subject = Self.queued()
    let enter = Double(subject.config.rival_enter_q16) / Self.one
    let leave = Double(subject.config.rival_leave_q16) / Self.one
    for _ in 0..<200 { Self.judge(subject, enter * 0.9) }
    #expect(subject.flow.rival == 0)
    for _ in 0..<200 { Self.judge(subject, enter * 1.1) }
    #expect(subject.flow.rival == 1)
    for _ in 0..<200 { Self.judge(subject, leave * 0.9) }
    #expect(subject.flow.rival == 1)
    for _ in 0..<200 { Self.judge(subject, leave * 1.1) }
    #expect(subject.flow.rival == 0)
    #expect(subject.flow.rival_events == 1)
  }

  @Test("a verdict counts for four at the most, and no verdict for nothing")
  func limits() {
    let subject = Self.queued()
    Self.judge(subject, 1e6)
    let leave = Double(subject.config.rival_leave_q16)
    #expect(Double(subject.flow.verdict) == leave + (4 * Self.one - leave) / 8)
    for rival: UInt32 in [0, 1] {
      subject.flow.rival = rival
      let verdict = subject.flow.verdict
      for _ in 0..<50 { mcc_judge(&subject.flow, &subject.config, Int64(MCC_NO_VERDICT)) }
      #expect(subject.flow.verdict == verdict)
      #expect(subject.flow.rival == rival)
    }
  }

  // MARK: The shadow as the least

  @Test("beside a rival window and rates are the shadow's at least", arguments: UInt64(1)...10)
  func least(seed: UInt64) {
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    func random(_ limit: UInt64) -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state % limit
    }
    for step in 0..<500 {
      let subject = ControlledFlow()
      subject.flow.phase = MCC_STEER.rawValue
      subject.flow.rival = 1
      subject.flow.srtt_us = UInt32(1000 + random(500_000))
      let shadow = 2 + random(4000)
      _ = mcc_shadow_start(&subject.flow, subject.now, shadow << 8, 0)
      mcc_set_rate(&subject.flow, &subject.config, 1000 + random(50_000_000))
      let rate = Double(shadow) * 1448 * 1e6 / Double(subject.flow.srtt_us)
      #expect(UInt64(subject.flow.window) >= shadow, "seed \(seed), step \(step)")
      #expect(Double(subject.flow.pace) >= 1.25 * rate - 2, "seed \(seed), step \(step)")
      #expect(Double(subject.flow.rate) >= rate - 2, "seed \(seed), step \(step)")
    }
  }

  @Test("without a rival the shadow holds nothing up")
  func noLeast() {
    let subject = ControlledFlow()
    subject.flow.phase = MCC_STEER.rawValue
    _ = mcc_shadow_start(&subject.flow, subject.now, 4000 << 8, 0)
    mcc_set_rate(&subject.flow, &subject.config, 100_000)
    #expect(subject.flow.rate == 100_000 && subject.flow.pace == 100_000)
    #expect(subject.flow.window < 20)
  }

  @Test("the operator's largest rate holds beside a rival too")
  func largestRate() {
    let subject = Self.beside { $0.rate_max = 1_000_000 }
    _ = mcc_shadow_start(&subject.flow, subject.now, 4000 << 8, 0)
    mcc_set_rate(&subject.flow, &subject.config, 500_000)
    #expect(subject.flow.rate <= 1_000_000)
    #expect(subject.flow.pace <= 1_000_000)
  }

  @Test(
    "a network that always says slower is starved alone and not beside a rival", arguments: [true, false])
  func slower(isBesideRival: Bool) {
    let subject = isBesideRival ? Self.beside() : ControlledFlow()
    subject.reachSteering(packets: 100)
    for _ in 0..<80 {
      guard subject.interval(rtt: isBesideRival ? 80_000 : 40_000, acked: 10) else { continue }
      Self.act(subject, -10)
      if isBesideRival, subject.flow.probing == 0 {
        #expect(UInt64(subject.flow.window) >= subject.flow.shadow.window >> 8)
      }
    }
    if isBesideRival {
      #expect(subject.flow.shadow.window >= 90 << 8)
    } else {
      #expect(subject.flow.window < 10)
    }
  }

  // MARK: Looks

  @Test("a look takes what the empty path holds of what is delivered, without room for bursts")
  func look() throws {
    let subject = Self.beside()
    _ = try #require(Self.untilLook(subject))
    let path = Double(mcc_path_us(&subject.flow, &subject.config))
    let expected = Double(subject.flow.delivery_rate) * path / 1e6 / 1448
    #expect(abs(Double(subject.flow.window) - expected) <= 1)
    let small = subject.flow.window
    #expect(UInt64(small) < subject.flow.shadow.window >> 8)
    #expect(!subject.interval(rtt: 80_000, acked: 10))
    #expect(subject.flow.window == small)
    #expect(!subject.interval(rtt: 80_000, acked: 10))
    #expect(UInt64(subject.flow.window) >= subject.flow.shadow.window >> 8)
    #expect(!subject.interval(rtt: 80_000, acked: 10), "what the look has left behind is not judged")
    #expect(subject.interval(rtt: 80_000, acked: 10))
  }

  @Test("while the queue stays, looks become rare: 16 round trips, 32 and so on to 512")
  func rareLooks() throws {
    // A short path, so that all of it takes a few seconds.
    let subject = Self.beside(minRTT: 1000, rtt: 3000) { $0.fairness_q16 = 0 }
    _ = try #require(Self.untilLook(subject, rtt: 3000, inLook: 3000))
    for expected in [16, 32, 64, 128, 256, 512, 512] {
      // Losses as they come, or the shadow would grow without end.
      _ = mcc_shadow_start(&subject.flow, subject.now, 200 << 8, 0)
      #expect(Self.untilLook(subject, rtt: 3000, inLook: 3000) == expected)
    }
  }

  @Test("a look in which half of the queue goes makes the next ones frequent again")
  func answeringLook() throws {
    let subject = Self.beside { $0.fairness_q16 = 0 }
    for _ in 0..<4 { _ = try #require(Self.untilLook(subject)) }
    #expect(subject.flow.look_rounds > UInt32(MCC_LOOK_ROUNDS))
    for _ in 0..<3 { _ = subject.interval(rtt: 55_000, acked: 10) }
    #expect(subject.flow.look_rounds == UInt32(MCC_LOOK_ROUNDS))
    #expect(subject.flow.rival == 1)
  }

  @Test("a queue that goes as a whole in a look was the flow's own: there is no rival")
  func ownQueue() throws {
    let subject = Self.beside()
    _ = try #require(Self.untilLook(subject))
    for _ in 0..<3 { _ = subject.interval(rtt: 40_000, acked: 10) }
    #expect(subject.flow.rival == 0)
    #expect(subject.flow.rate <= subject.flow.delivery_rate)
    #expect(subject.flow.verdict == -MCC_VERDICT_MAX)
    // What it held against others of its kind is no measure of its part.
    #expect(subject.flow.shadow.window == UInt64(subject.flow.window) << UInt64(MCC_SHADOW_SHIFT))
  }

  @Test("a short queue that goes in a look, as it does when a rival cuts its window, has to go twice")
  func shortQueue() throws {
    let subject = Self.beside()
    for look in 1...2 {
      _ = try #require(Self.untilLook(subject, rtt: 60_000, inLook: 60_000))
      for _ in 0..<3 { _ = subject.interval(rtt: 40_000, acked: 10) }
      #expect(subject.flow.rival == (look == 1 ? 1 : 0), "look \(look)")
    }
  }

  @Test("those who looked together at a short queue do so once more, at the next second")
  func secondLook() {
    let subject = Self.beside()
    (subject.flow.past.look_before, subject.flow.past.look_after) = (UInt32(MCC_ONE) / 2, 0)
    subject.flow.look_joint = 1
    let second = UInt64(1) << UInt64(MCC_SECOND_SHIFT)
    subject.now = 100 * second + 1000
    subject.flow.look_epoch = UInt32(subject.now >> UInt64(MCC_TOGETHER_SHIFT))
    mcc_weigh_look(&subject.flow, &subject.config, subject.now)
    #expect(subject.flow.rival == 1 && subject.flow.look_second == 101)
    for (now, expected) in [(100 * second + 2000, 0), (101 * second, 1), (101 * second + 1, 0)] {
      subject.flow.look_joint = 0
      mcc_look_together(&subject.flow, 2 * MCC_ONE, now)
      #expect(subject.flow.look_joint == UInt32(expected), "\(now)")
    }
    subject.flow.look_joint = 1
    mcc_weigh_look(&subject.flow, &subject.config, 101 * second)
    #expect(subject.flow.rival == 0)
  }

  @Test("what a look has shown not to be there is believed in again by a flow that lost half of what it gets")
  func doubt() throws {
    let subject = Self.beside()
    _ = try #require(Self.untilLook(subject))
    for _ in 0..<3 { _ = subject.interval(rtt: 40_000, acked: 10) }
    try #require(subject.flow.rival == 0)
    for _ in 0..<3 { _ = subject.interval(rtt: 80_000, acked: 10) }
    for _ in 0..<40 { Self.judge(subject, 4) }
    #expect(subject.flow.rival == 0, "a standing queue and verdicts alone")
    subject.flow.past.delivery_mean = subject.flow.past.doubt_delivery / 2 - 1
    Self.judge(subject, 4)
    #expect(subject.flow.rival == 1)
  }

  @Test("a doubt ends after 512 round trips")
  func doubtEnds() throws {
    let subject = Self.beside(minRTT: 1000, rtt: 3000)
    _ = try #require(Self.untilLook(subject, rtt: 3000, inLook: 3000))
    for _ in 0..<3 { _ = subject.interval(rtt: 1000, acked: 10) }
    try #require(subject.flow.rival == 0)
    var rounds = 0
    for _ in 0..<2000 where subject.flow.past.doubt_rounds > 0 {
      if subject.interval(rtt: 3000, acked: 10) { Self.act(subject, 0) }
      rounds += 1
    }
    #expect((400...700).contains(rounds))
    for _ in 0..<40 { Self.judge(subject, 4) }
    #expect(subject.flow.rival == 1)
  }

  @Test("flows look together at one time, those that found nothing at every second, fourth and eighth")
  func together() {
    let subject = Self.beside()
    let epoch = UInt64(1) << UInt64(MCC_TOGETHER_SHIFT)
    for (every, expected) in [(1, 16), (2, 8), (4, 4), (8, 2)] {
      subject.flow.look_every = UInt32(every)
      var looks = 0
      for index in 1...16 {
        subject.flow.look_joint = 0
        mcc_look_together(&subject.flow, 2 * MCC_ONE, UInt64(index) * epoch)
        looks += Int(subject.flow.look_joint)
        mcc_look_together(&subject.flow, 2 * MCC_ONE, UInt64(index) * epoch + 1)
      }
      #expect(looks == expected)
    }
  }

  @Test("who sees no queue and no rival does not look with the others", arguments: [true, false])
  func notTogether(seesQueue: Bool) {
    let subject = ControlledFlow()
    subject.reachSteering(packets: 100)
    mcc_look_together(&subject.flow, seesQueue ? 2 * MCC_ONE : MCC_ONE, 1 << 40)
    #expect(subject.flow.look_joint == (seesQueue ? 1 : 0))
  }

  @Test(
    "a look that finds a much shorter path asks for another soon",
    arguments: [(36_000, true), (39_500, false)] as [(UInt32, Bool)])
  func shorterPath(found: UInt32, isSoon: Bool) throws {
    for hasRival in [true, false] {
      let subject = Self.queued { $0.fairness_q16 = 0 }
      if hasRival { for _ in 0..<20 { Self.judge(subject, 4) } }
      for _ in 0..<200 where subject.flow.probing == 0 {
        if subject.interval(rtt: 80_000, acked: 10) { Self.act(subject, 0) }
      }
      try #require(subject.flow.probing > 0)
      for _ in 0..<2 { _ = subject.interval(rtt: found, acked: 10) }
      #expect(subject.flow.base_us == found)
      let countdown = subject.flow.probe_countdown / UInt32(MCC_ONE)
      if isSoon {
        #expect(countdown <= UInt32(MCC_LOOK_AGAIN))
      } else if !hasRival {
        #expect(countdown > UInt32(MCC_LOOK_AGAIN))
      }
    }
  }
}
