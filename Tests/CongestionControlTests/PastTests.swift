import CMedullaABI
import Testing

@Suite("Features of more than the last ten intervals")
struct PastTests {
  /// A flow whose intervals are given, on a path of 40 ms.
  struct Intervals {
    var flow = mcc_flow()
    var config = mcc_config()

    init() {
      mcc_default_config(&config)
      mcc_init(&flow, &config, 0, 40_000, 40_000, 100, 1448)
      flow.phase = MCC_STEER.rawValue
      mcc_set_rate(&flow, &config, 3_620_000)
    }

    mutating func note(
      rtt: UInt32, window: UInt32 = 100, delivery: UInt64 = 3_620_000, lost: UInt32 = 0, marked: UInt32 = 0
    ) {
      flow.window = window
      flow.least_us = rtt
      flow.last.rtt_us = rtt
      flow.last.delivery_rate = delivery
      flow.delivery_rate = delivery
      flow.acked = 100 - lost
      flow.lost = lost
      flow.marked = marked
      flow.step_q16 = UInt32(MCC_ONE)
      _ = mcc_past_note(&flow, &config)
    }

    func feature(_ feature: mcc_past_feature) -> Double {
      var copy = self
      _ = mcc_past_features(&copy.flow, &copy.config)
      var values = [Int64](repeating: 0, count: Int(MCC_FEATURES))
      mcc_features(&copy.flow, &values, Int32(MCC_FEATURES))
      return Double(values[Int(MCC_RECENT) + Int(feature.rawValue)]) / 65536
    }

    /// What a round trip's queue is in empty round trips.
    func queue(_ rtt: UInt64) -> Double {
      var copy = self
      return Double(mcc_queue_of(&copy.flow, &copy.config, rtt)) / 65536
    }
  }

  struct Draws {
    var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }

    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
    /// Of any size, small ones as often as large ones.
    mutating func number() -> UInt32 {
      let shift = UInt32(next() % 33)
      return shift == 32 ? 0 : UInt32(truncatingIfNeeded: next()) >> shift
    }
  }

  @Test("the least and the largest queue are those of 32 intervals at least and of 64 at most")
  func extremes() {
    var subject = Intervals()
    subject.note(rtt: 50_000)
    subject.note(rtt: 100_000)
    for index in 3...80 {
      subject.note(rtt: 60_000)
      let (least, range) = (subject.feature(MCC_PAST_LEAST), subject.feature(MCC_PAST_RANGE))
      if index <= 33 {
        #expect(least == subject.queue(50_000), "interval \(index)")
        #expect(range == subject.queue(100_000) - subject.queue(50_000), "interval \(index)")
      } else if index > 66 {
        #expect(least == subject.queue(60_000), "interval \(index)")
        #expect(range == 0, "interval \(index)")
      }
    }
    #expect(subject.queue(60_000) > 0.4)
  }

  @Test("the peaks of window and delivery rate fall by a 64th an interval and rise at once")
  func peaks() {
    var subject = Intervals()
    subject.note(rtt: 40_000, window: 64_000, delivery: 64_000_000)
    #expect(subject.feature(MCC_PAST_WINDOW) == 1)
    var factor = 1.0
    for _ in 0..<128 {
      subject.note(rtt: 40_000, window: 640, delivery: 1_280_000)
      factor *= 63.0 / 64
      #expect(abs(subject.feature(MCC_PAST_WINDOW) * factor / 0.01 - 1) < 0.02)
      #expect(abs(subject.feature(MCC_PAST_DELIVERY) * factor / 0.02 - 1) < 0.02)
    }
    subject.note(rtt: 40_000, window: 70_000, delivery: 70_000_000)
    #expect(subject.feature(MCC_PAST_WINDOW) == 1)
    #expect(subject.feature(MCC_PAST_DELIVERY) == 1)
  }

  /// The means of both correlations while the window varies by a fifth; the queue and the rate
  /// follow it one interval later by these shares, and vary by themselves by the rest.
  static func correlations(follows: Double, seed: UInt64) -> (queue: Double, delivery: Double) {
    var subject = Intervals()
    var draws = Draws(seed: seed)
    var (sums, last) = ((queue: 0.0, delivery: 0.0), 0.0)
    for step in 0..<600 {
      let window = draws.unit() * 0.4 - 0.2
      let queue = 0.5 + follows * last / 2 + (1 - follows) * (draws.unit() * 0.4 - 0.2) / 2
      let rate = follows * last + (1 - follows) * (draws.unit() * 0.4 - 0.2)
      subject.note(
        rtt: UInt32(40_000 * (1 + queue)), window: UInt32(3000 * (1 + window)),
        delivery: UInt64(50e6 * (1 + rate)))
      last = window
      guard step >= 100 else { continue }
      sums.queue += subject.feature(MCC_PAST_QUEUE_BY) / 500
      sums.delivery += subject.feature(MCC_PAST_DELIVERY_BY) / 500
    }
    return sums
  }

  @Test("a queue that follows the window is told from one that does not", arguments: UInt64(1)...5)
  func correlation(seed: UInt64) {
    let own = Self.correlations(follows: 1, seed: seed)
    #expect(own.queue > 0.9, "seed \(seed)")
    #expect(abs(own.delivery - 1) < 0.1, "seed \(seed)")
    let others = Self.correlations(follows: 0, seed: seed)
    #expect(abs(others.queue) < 0.15, "seed \(seed)")
    #expect(abs(others.delivery) < 0.2, "seed \(seed)")
    let opposite = Self.correlations(follows: -1, seed: seed)
    #expect(opposite.queue < -0.3, "seed \(seed)")
  }

  @Test(
    "losses of a full queue have their place at its top, random ones in its middle", arguments: UInt64(1)...5)
  func lossPlace(seed: UInt64) {
    var draws = Draws(seed: seed)
    var (full, random) = (Intervals(), Intervals())
    var mean = 0.0
    for step in 0..<1000 {
      // A saw-tooth of 20 intervals.
      let rtt = UInt32(40_000 + 2000 * (step % 20 + 1))
      full.note(rtt: rtt, lost: step % 20 == 19 ? 2 : 0)
      random.note(rtt: rtt, lost: draws.unit() < 0.3 ? 1 : 0)
      if step >= 200 { mean += random.feature(MCC_PAST_LOSS_PLACE) / 800 }
    }
    #expect(full.feature(MCC_PAST_LOSS_PLACE) > 0.95)
    #expect(abs(mean - 0.5) < 0.08, "seed \(seed)")
    #expect(abs(full.feature(MCC_PAST_LOSS) - 0.001) < 0.002)
  }

  @Test("shares of lost and marked packets are means over some 16 intervals")
  func shares() {
    var subject = Intervals()
    for _ in 0..<16 { subject.note(rtt: 40_000, lost: 10, marked: 40) }
    let part = 1 - 0.356  // (15/16)^16
    #expect(abs(subject.feature(MCC_PAST_LOSS) - 0.1 * part) < 0.002)
    #expect(abs(subject.feature(MCC_PAST_MARKS) - 0.4 * part) < 0.008)
    for _ in 0..<200 { subject.note(rtt: 40_000) }
    #expect(subject.feature(MCC_PAST_LOSS) < 0.001)
    #expect(subject.feature(MCC_PAST_MARKS) < 0.001)
  }

  @Test("a standing queue is counted in round trips until it is small")
  func standing() {
    var subject = Intervals()
    for _ in 0..<32 { subject.note(rtt: 60_000) }
    #expect(abs(subject.feature(MCC_PAST_STANDING) - 0.5) < 0.02)
    for _ in 0..<100 { subject.note(rtt: 60_000) }
    #expect(subject.feature(MCC_PAST_STANDING) == 1)
    subject.note(rtt: 42_000)
    #expect(subject.feature(MCC_PAST_STANDING) == 0)
  }

  @Test("what the flow had before the queue is what window and delivery rate are held against")
  func given() {
    var subject = Intervals()
    subject.note(rtt: 41_000, window: 200, delivery: 7_000_000)
    subject.note(rtt: 60_000, window: 100, delivery: 5_600_000)
    #expect(abs(subject.feature(MCC_PAST_GIVEN) - 0.5) < 0.001)
    #expect(abs(subject.feature(MCC_PAST_TAKEN) - 0.8) < 0.001)
    subject.note(rtt: 60_000, window: 400, delivery: 8_000_000)
    #expect(subject.feature(MCC_PAST_GIVEN) == 1)
    #expect(subject.feature(MCC_PAST_TAKEN) == 1)
  }

  @Test("the age of the least round trip begins anew with a smaller one")
  func age() {
    let subject = ControlledFlow()
    subject.reachSteering(packets: 100)
    let place = Int(MCC_RECENT) + Int(MCC_PAST_AGE.rawValue)
    for _ in 0..<128 { _ = subject.interval(rtt: 44_000, acked: 10) }
    #expect(subject.features[place] > 0.45)
    for _ in 0..<2 { _ = subject.interval(rtt: 30_000, acked: 10) }
    #expect(subject.features[place] < 0.02)
  }

  @Test("the binary logarithm is exact at powers of two and on straight lines between them")
  func logarithm() {
    for power: UInt32 in 0..<64 { #expect(mcc_log2_q8(1 << UInt64(power)) == power << 8) }
    #expect(mcc_log2_q8(0) == 0)
    #expect(mcc_log2_q8(.max) == 63 << 8 | 255)
    for value in stride(from: UInt64(257), to: 1 << 40, by: 7_654_321_987) {
      let exponent = 63 - value.leadingZeroBitCount
      let line = Double(exponent) + Double(value) / Double(UInt64(1) << UInt64(exponent)) - 1
      let given = Double(mcc_log2_q8(value)) / 256
      #expect(given <= line && line - given < 1.0 / 128, "of \(value)")
    }
  }

  /// What each feature of the past may be, as `mcc_past_feature` says it.
  static let ranges: [ClosedRange<Double>] = [
    0...16, 0...16, 0...1, 0...1, -1...1, -2...2, 0...1, 0...1, 0...1, 0...4, 0...1, 0...1, 0...4, 0...4,
    0...1, -4...4, 0...1.5, 0...1.7, 0...1, 0...2,
  ]

  @Test("all features stay in their ranges, whatever is acknowledged and judged", arguments: UInt64(1)...20)
  func anyInputs(seed: UInt64) {
    #expect(Self.ranges.count == Int(MCC_PAST))
    var draws = Draws(seed: seed)
    var config = mcc_config()
    mcc_default_config(&config)
    var flow = mcc_flow()
    var now: UInt64 = 0
    var decisions = 0
    mcc_init(&flow, &config, now, draws.number(), draws.number(), draws.number(), draws.number() >> 16)
    for step in 0..<10_000 {
      now += UInt64(draws.number() >> 8)
      var ack = mcc_ack()
      (ack.now_us, ack.rtt_us, ack.srtt_us) = (now, draws.number() >> 4, draws.number() >> 4)
      (ack.delivered, ack.send_us, ack.receive_us) = (draws.number(), draws.number(), draws.number())
      (ack.acked, ack.lost, ack.marked) = (draws.number() >> 8, draws.number() >> 18, draws.number() >> 14)
      ack.packet_bytes = draws.number() >> 16
      guard mcc_on_ack(&flow, &config, &ack) != 0 else { continue }
      decisions += 1
      var features = [Int64](repeating: 0, count: Int(MCC_FEATURES))
      mcc_features(&flow, &features, Int32(MCC_FEATURES))
      for (index, range) in Self.ranges.enumerated() {
        let value = Double(features[Int(MCC_RECENT) + index]) / 65536
        let isInRange = range.contains(value)
        #expect(isInRange, "seed \(seed), step \(step): feature \(index) of the past is \(value)")
        guard isInRange else { return }
      }
      mcc_act(
        &flow, &config, Int64(bitPattern: draws.next()) >> 1, Int64(bitPattern: draws.next()) >> 40)
    }
    #expect(decisions > 50, "seed \(seed)")
  }
}
