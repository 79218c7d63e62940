import CMedullaABI
import Foundation
import Testing

@Suite("CUBIC's window beside the network's")
struct ShadowTests {
  /// A flow in steering whose shadow begins at `window` packets with the growth flat at `most`.
  static func subject(window: Double, most: Double, roundTrip: UInt32) -> ControlledFlow {
    let subject = ControlledFlow(minRTT: roundTrip)
    subject.flow.phase = MCC_STEER.rawValue
    subject.flow.srtt_us = roundTrip
    subject.flow.step_q16 = UInt32(MCC_ONE)
    _ = mcc_shadow_start(&subject.flow, subject.now, UInt64(window * 256), UInt64(most * 256))
    return subject
  }

  static func packets(_ subject: ControlledFlow) -> Double { Double(subject.flow.shadow.window) / 256 }

  /// One round trip without losses.
  static func grow(_ subject: ControlledFlow) {
    subject.now += UInt64(subject.flow.srtt_us)
    mcc_shadow_grow(&subject.flow, subject.now)
  }

  static func cut(_ subject: ControlledFlow) -> Bool { mcc_shadow_cut(&subject.flow, subject.now) != 0 }

  @Test(
    "the integer cube root is exact below, at and above each cube",
    arguments: [1, 2, 3, 9, 10, 31, 255, 256, 999, 1000, 4095, 65_535, 65_536, 524_287, 524_288, 832_254])
  func cubeRoot(root: UInt64) {
    let cube = root * root * root
    #expect(mcc_cube_root(cube - 1) == root - 1)
    #expect(mcc_cube_root(cube) == root)
    #expect(mcc_cube_root(cube + 3 * root * root + 3 * root) == root)
    #expect(mcc_cube_root(0) == 0)
  }

  @Test(
    "after a cut it grows as RFC 9438 says: concave to the former peak, flat there, convex beyond",
    arguments: [(400.0, 100_000), (1000, 40_000), (4000, 200_000), (20_000, 50_000)] as [(Double, UInt32)])
  func cubicGrowth(peak: Double, roundTrip: UInt32) {
    let subject = Self.subject(window: peak * 0.7, most: peak, roundTrip: roundTrip)
    let flat = cbrt(peak * 0.3 / 0.4)
    let begin = subject.now
    #expect(abs(Double(subject.flow.shadow.flat_ms) / 1000 - flat) < 0.002)
    var last = Self.packets(subject)
    while Double(subject.now - begin) / 1e6 < flat * 1.5 {
      Self.grow(subject)
      // The window for the round trip that begins: equation 1 at t + RTT.
      let time = Double(subject.now - begin + UInt64(roundTrip)) / 1e6
      let expected = 0.4 * pow(time - flat, 3) + peak
      let window = Self.packets(subject)
      #expect(abs(window - expected) < 0.02 * expected + 1, "\(time) s after the cut of \(peak)")
      #expect(window >= last)
      last = window
    }
    #expect(last > peak + 1)
  }

  @Test("on a short path it grows as Reno would: 0.53 packets a round trip, one past the former peak")
  func renoFriendly() {
    let subject = Self.subject(window: 50, most: 50 / 0.7, roundTrip: 10_000)
    for round in 1...35 {
      Self.grow(subject)
      #expect(abs(Self.packets(subject) - (50 + 0.53 * Double(round))) < 0.5, "round \(round)")
    }
    while Self.packets(subject) < 72 { Self.grow(subject) }
    let (before, start) = (Self.packets(subject), subject.now)
    for _ in 0..<20 { Self.grow(subject) }
    #expect(subject.now < start + 300_000, "too early for CUBIC's own growth")
    #expect(abs(Self.packets(subject) - before - 20) < 0.5)
  }

  @Test("growth is by the part of a round trip that an interval took, and half a window at most")
  func growthInShares() {
    let whole = Self.subject(window: 50, most: 50 / 0.7, roundTrip: 10_000)
    let parts = Self.subject(window: 50, most: 50 / 0.7, roundTrip: 10_000)
    parts.flow.step_q16 = UInt32(MCC_ONE) / 4
    for _ in 0..<20 {
      Self.grow(whole)
      for _ in 0..<4 {
        parts.now += 2_500
        mcc_shadow_grow(&parts.flow, parts.now)
      }
    }
    #expect(abs(Self.packets(whole) - Self.packets(parts)) < 0.5)
    let late = Self.subject(window: 10, most: 10, roundTrip: 40_000)
    late.now += 100_000_000
    for expected in [15, 22.5, 33.75] {
      mcc_shadow_grow(&late.flow, late.now)
      #expect(abs(Self.packets(late) - expected) < 0.1)
    }
  }

  @Test("a loss takes three tenths, and what follows within a round trip is the same event")
  func cut() {
    let subject = Self.subject(window: 100, most: 0, roundTrip: 40_000)
    subject.now += 100_000
    #expect(Self.cut(subject))
    #expect(Self.packets(subject) == 70)
    for _ in 0..<3 {
      subject.now += 13_000
      #expect(!Self.cut(subject))
      #expect(Self.packets(subject) == 70)
    }
    subject.now += 1000
    #expect(Self.cut(subject))
    #expect(abs(Self.packets(subject) - 49) < 0.01)
  }

  @Test("losses that acknowledgements report cut it, outside of the start")
  func cutByAcknowledgements() {
    let subject = ControlledFlow()
    subject.reachSteering(packets: 100)
    // The queue keeps it from beginning anew.
    for _ in 0..<3 { _ = subject.interval(rtt: 60_000, acked: 10) }
    let before = Self.packets(subject)
    for _ in 0..<8 { _ = subject.acknowledge(after: 4000, rtt: 60_000, acked: 10, lost: 1) }
    #expect(abs(Self.packets(subject) / before - 0.7) < 0.05)
    let start = ControlledFlow()
    let window = start.flow.shadow.window
    _ = start.acknowledge(after: 100_000, acked: 20, lost: 1)
    #expect(start.flow.shadow.window == window)
  }

  @Test("a cut below the former peak leaves room for others: the new peak is 0.85 of the window")
  func fastConvergence() {
    let subject = Self.subject(window: 100, most: 0, roundTrip: 40_000)
    subject.now += 100_000
    _ = Self.cut(subject)
    #expect(Double(subject.flow.shadow.most) / 256 == 100, "the first peak is the window itself")
    subject.now += 100_000
    _ = Self.cut(subject)
    #expect(abs(Double(subject.flow.shadow.most) / 256 - 0.85 * 70) < 0.05)
    while Self.packets(subject) < 65 { Self.grow(subject) }
    let window = Self.packets(subject)
    _ = Self.cut(subject)
    #expect(abs(Double(subject.flow.shadow.most) / 256 - window) < 0.05, "it was above the former peak")
  }

  @Test("it is never below two packets nor above the limit of windows")
  func bounds() {
    let subject = Self.subject(window: 100, most: 0, roundTrip: 40_000)
    for _ in 0..<30 {
      subject.now += 50_000
      _ = Self.cut(subject)
      #expect(Self.packets(subject) >= 2)
    }
    #expect(Self.packets(subject) == 2)
    _ = mcc_shadow_start(&subject.flow, subject.now, .max, .max)
    #expect(Self.packets(subject) == Double(MCC_WINDOW_MAX))
    _ = mcc_shadow_start(&subject.flow, subject.now, UInt64(MCC_WINDOW_MAX) * 255, 0)
    for _ in 0..<200 {
      subject.now += 10_000_000
      mcc_shadow_grow(&subject.flow, subject.now)
      #expect(Self.packets(subject) <= Double(MCC_WINDOW_MAX))
    }
    #expect(Self.packets(subject) == Double(MCC_WINDOW_MAX))
  }

  @Test("it follows the flow's window while the queue is small, and grows when it is not")
  func follows() {
    let subject = ControlledFlow()
    subject.reachSteering(packets: 100)
    var highest = subject.flow.shadow.window
    for _ in 0..<5 {
      let window = subject.flow.window
      highest = max(highest, UInt64(window) << UInt64(MCC_SHADOW_SHIFT))
      #expect(subject.interval(acked: 10))
      // Downwards it follows by 1/128 of what it is above.
      let own = UInt64(window) << UInt64(MCC_SHADOW_SHIFT)
      #expect(subject.flow.shadow.window >= own && subject.flow.shadow.window <= highest)
      highest = max(subject.flow.shadow.window, own)
      mcc_act(&subject.flow, &subject.config, -2 << 16, Int64(MCC_NO_VERDICT))
    }
    let before = subject.flow.shadow.window
    for _ in 0..<5 where subject.interval(rtt: 60_000, acked: 10) {
      mcc_act(&subject.flow, &subject.config, -4 << 16, Int64(MCC_NO_VERDICT))
    }
    #expect(subject.flow.shadow.window > before)
    #expect(Double(subject.flow.window) < 0.85 * Self.packets(subject))
  }

  @Test("without a rival it claims no more than the flow had while the queue was small")
  func bounded() {
    let subject = ControlledFlow()
    subject.reachSteering(packets: 100)
    for _ in 0..<10 where subject.interval(acked: 10) {
      mcc_act(&subject.flow, &subject.config, 0, Int64(MCC_NO_VERDICT))
    }
    for _ in 0..<300 where subject.interval(rtt: 60_000, acked: 10) {
      mcc_act(&subject.flow, &subject.config, -4 << 16, Int64(MCC_NO_VERDICT))
      #expect(Self.packets(subject) <= Double(max(subject.flow.past.given_from, subject.flow.window)))
    }
  }

  @Test("beside a rival an empty queue does not take it away")
  func keptBesideRival() {
    let subject = ControlledFlow()
    subject.reachSteering(packets: 100)
    mcc_set_rival(&subject.flow)
    _ = mcc_shadow_start(&subject.flow, subject.now, 300 << 8, 300 << 8)
    for _ in 0..<5 { _ = subject.interval(acked: 10) }
    #expect(Self.packets(subject) >= 300)
  }
}
