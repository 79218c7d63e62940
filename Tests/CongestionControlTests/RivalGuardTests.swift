import CMedullaABI
import Testing

@Suite("The guard beside rivals")
struct RivalGuardTests {
  /// A flow of `packets` in a round trip of 40 ms, in the guard because its round trips became 400 ms.
  static func guarded(packets: UInt32) -> ControlledFlow {
    let subject = ControlledFlow { $0.fairness_q16 = 0 }
    subject.reachSteering(packets: packets)
    for _ in 0..<20 where subject.flow.phase == MCC_STEER.rawValue {
      if subject.interval(rtt: 400_000, acked: packets / 10, limit: 400) { hold(subject) }
    }
    return subject
  }

  static func hold(_ subject: ControlledFlow) {
    mcc_act(&subject.flow, &subject.config, 0, Int64(MCC_NO_VERDICT))
  }

  @Test(
    "a queue above eight round trips that does not answer to three cuts is a rival's",
    arguments: [100, 300, 1000] as [UInt32])
  func standingQueue(packets: UInt32) {
    let subject = Self.guarded(packets: packets)
    #expect(subject.flow.phase == MCC_GUARD.rawValue)
    #expect(subject.flow.rival == 0)
    let rate = subject.flow.rate
    for _ in 0..<3 { _ = subject.interval(rtt: 400_000, acked: packets / 10, limit: 400) }
    #expect(subject.flow.phase == MCC_GUARD.rawValue)
    #expect(abs(Double(subject.flow.rate) / Double(rate) - 0.343) < 0.01)
    _ = subject.interval(rtt: 400_000, acked: packets / 10, limit: 400)
    #expect(subject.flow.rival == 1)
    #expect(subject.flow.rival_events == 1)
    #expect(subject.flow.phase == MCC_STEER.rawValue)
    #expect(UInt64(subject.flow.window) >= subject.flow.shadow.window >> 8)
    // It is steered by the network now, whatever the queue.
    for _ in 0..<10 where subject.interval(rtt: 400_000, acked: packets / 10, limit: 400) {
      Self.hold(subject)
    }
    #expect(subject.flow.guard_events == 1)
  }

  @Test("a queue that falls as the rate does is the flow's own, and the guard empties it")
  func answeringQueue() {
    let subject = Self.guarded(packets: 1000)
    var rtt: UInt32 = 400_000
    for _ in 0..<12 where subject.flow.phase == MCC_GUARD.rawValue {
      rtt = max(40_000, rtt * 3 / 4)
      _ = subject.interval(rtt: rtt, acked: 100, limit: 400)
      #expect(subject.flow.rival == 0)
    }
    for _ in 0..<Int(subject.config.guard_recovery) {
      _ = subject.interval(acked: 100, limit: 400)
    }
    #expect(subject.flow.rival == 0)
    #expect(subject.flow.phase == MCC_STEER.rawValue)
  }

  @Test("losses that go on keep the guard, however long the queue stands")
  func lossyQueue() {
    let subject = Self.guarded(packets: 1000)
    for _ in 0..<12 { _ = subject.interval(rtt: 400_000, acked: 100, lost: 5, limit: 400) }
    #expect(subject.flow.phase == MCC_GUARD.rawValue)
    #expect(subject.flow.rival == 0)
  }

  @Test("a fifth of packets lost trips it, with a rival and without", arguments: [true, false])
  func loss(hasRival: Bool) {
    let subject = ControlledFlow()
    subject.reachSteering(packets: 100)
    if hasRival { mcc_set_rival(&subject.flow) }
    for _ in 0..<3 {
      #expect(subject.interval(acked: 10, lost: 4))
      Self.hold(subject)
    }
    #expect(subject.flow.guard_events == 0)
    _ = subject.interval(acked: 10, lost: 4)
    #expect(subject.flow.phase == MCC_GUARD.rawValue)
    #expect(subject.flow.guard_events == 1)
  }

  @Test("beside a rival a long queue alone does not trip it")
  func queueBesideRival() {
    let subject = ControlledFlow()
    subject.reachSteering(packets: 1000)
    mcc_set_rival(&subject.flow)
    for _ in 0..<10 where subject.interval(rtt: 500_000, acked: 100, limit: 500) { Self.hold(subject) }
    #expect(subject.flow.guard_events == 0)
    #expect(subject.flow.phase == MCC_STEER.rawValue)
  }

  @Test("without losses and with a small queue it gives back after as many intervals as are set")
  func recovery() {
    let subject = Self.guarded(packets: 1000)
    let recovery = Int(subject.config.guard_recovery)
    for round in 1...recovery {
      let rate = subject.flow.rate
      _ = subject.interval(acked: 100, limit: 400)
      #expect(subject.flow.rate > rate, "one more packet a round trip")
      #expect((subject.flow.phase == MCC_STEER.rawValue) == (round == recovery), "round \(round)")
    }
    #expect(subject.flow.rival == 0)
    #expect(subject.flow.bad_intervals == 0)
  }
}
