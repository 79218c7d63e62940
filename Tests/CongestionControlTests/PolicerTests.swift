import CMedullaABI
import Testing

@Suite("Losses without a queue")
struct PolicerTests {
  /// A flow that loses one packet in ten on a path of 100 packets a round trip without a queue.
  static func losing() -> ControlledFlow {
    let subject = ControlledFlow { $0.guard_intervals = 0 }
    subject.reachSteering(packets: 100)
    step(subject, lost: 0)
    for _ in 0..<40 where subject.flow.policer.is_trial == 0 { step(subject, lost: 1) }
    return subject
  }

  /// Round trips with the action 0, in each of which ten acknowledgements of `acked` packets come.
  static func step(_ subject: ControlledFlow, rounds: Int = 1, acked: UInt32 = 9, lost: UInt32) {
    for _ in 0..<rounds where subject.interval(acked: acked, lost: lost) {
      mcc_act(&subject.flow, &subject.config, 0, Int64(MCC_NO_VERDICT))
    }
  }

  @Test("they are tried with three quarters of what is delivered")
  func trial() {
    let subject = Self.losing()
    #expect(subject.flow.policer.is_trial == 1)
    Self.step(subject, acked: 7, lost: 0)
    #expect(subject.flow.rate <= subject.flow.policer.rate * 3 / 4)
  }

  @Test("those that go with the rate are a policer's, and what it let through is the ceiling")
  func policer() {
    let subject = Self.losing()
    let rate = subject.flow.policer.rate
    Self.step(subject, rounds: 12, acked: 7, lost: 0)
    #expect(subject.flow.policer.is_trial == 0 && subject.flow.policer.ceiling == rate)
    Self.step(subject, rounds: 30, acked: 9, lost: 0)
    #expect(subject.flow.rate <= rate)
  }

  @Test("those that stay are the link's: no ceiling, and no other trial soon")
  func random() {
    let subject = Self.losing()
    Self.step(subject, rounds: 12, acked: 7, lost: 1)
    #expect(subject.flow.policer.is_trial == 0 && subject.flow.policer.ceiling == 0)
    Self.step(subject, rounds: 400, acked: 9, lost: 1)
    #expect(subject.flow.policer.is_trial == 0)
    Self.step(subject, rounds: 200, acked: 9, lost: 1)
    #expect(subject.flow.policer.rounds > 0)
  }

  @Test("a ceiling is raised while that costs nothing, and more and more, until it holds nothing down")
  func raised() {
    let subject = Self.losing()
    Self.step(subject, rounds: 12, acked: 7, lost: 0)
    let first = subject.flow.policer.ceiling
    Self.step(subject, rounds: 70, acked: 9, lost: 0)
    #expect(subject.flow.policer.ceiling > first && subject.flow.policer.ceiling < first * 9 / 8)
    Self.step(subject, rounds: 200, acked: 9, lost: 0)
    #expect(subject.flow.policer.ceiling == 0)
  }

  @Test("losses at a raised ceiling bring it down again")
  func lowered() {
    let subject = Self.losing()
    Self.step(subject, rounds: 12, acked: 7, lost: 0)
    Self.step(subject, rounds: 70, acked: 9, lost: 0)
    let raised = subject.flow.policer.ceiling
    Self.step(subject, acked: 9, lost: 1)
    #expect(subject.flow.policer.ceiling < raised)
    #expect(subject.flow.policer.rounds > UInt32(60 * MCC_ONE))
  }

  @Test("who loses packets far below the ceiling has something else in the way: it goes")
  func mistaken() {
    let subject = Self.losing()
    Self.step(subject, rounds: 12, acked: 7, lost: 0)
    #expect(subject.flow.policer.ceiling > 0)
    Self.step(subject, acked: 4, lost: 1)
    #expect(subject.flow.policer.ceiling == 0 && subject.flow.policer.is_trial == 0)
    #expect(subject.flow.policer.rounds > UInt32(500 * MCC_ONE))
  }

  @Test("beside a rival, losses are nobody's riddle")
  func besideRival() {
    let subject = ControlledFlow { $0.guard_intervals = 0 }
    subject.reachSteering(packets: 100)
    subject.flow.rival = 1
    // Without a queue: nothing but the rival keeps a trial away.
    for _ in 0..<60 { _ = subject.interval(acked: 9, lost: 1) }
    #expect(subject.flow.past.loss_share > UInt32(MCC_TRIAL_LOSS))
    #expect(subject.flow.policer.is_trial == 0 && subject.flow.policer.ceiling == 0)
  }
}
