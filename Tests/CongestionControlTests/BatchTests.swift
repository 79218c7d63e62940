import CMedullaABI
import Testing

@Suite("Acknowledgements that come in batches")
struct BatchTests {
  /// Round trips of 40 ms whose acknowledgements come each `gap`, `count` at once; within a batch the round
  /// trip falls by `fall`, the gap when left out, and `queue` is on top.
  private static func batches(
    _ subject: ControlledFlow, rounds: Int, gap: UInt64, count: Int = 10, fall: UInt32? = nil,
    queue: UInt32 = 0
  ) {
    let fall = fall ?? UInt32(gap)
    for _ in 0..<rounds * Int(40_000 / gap) {
      for place in 0..<count {
        let rtt = 40_000 + queue + fall - fall * UInt32(place) / UInt32(count - 1)
        let decides = subject.acknowledge(
          after: place == 0 ? gap : 0, rtt: rtt, acked: UInt32(100 * gap / 40_000) / UInt32(count) + 1)
        if decides { mcc_act(&subject.flow, &subject.config, 0, Int64(MCC_NO_VERDICT)) }
      }
    }
  }

  private static func steering() -> ControlledFlow {
    let subject = ControlledFlow { $0.fairness_q16 = 0 }
    subject.reachSteering(packets: 200)
    return subject
  }

  @Test("a gap before each and a round trip that falls within is the link's: the window has room for it")
  func batches() {
    let subject = Self.steering()
    #expect(subject.flow.batch_us == 0)
    let before = Double(mcc_base_rtt(&subject.flow, &subject.config))
    Self.batches(subject, rounds: 30, gap: 10_000)
    #expect((7_000...10_000).contains(subject.flow.batch_us))
    let own = Double(mcc_own_us(&subject.flow))
    #expect(Double(mcc_base_rtt(&subject.flow, &subject.config)) > before + 6_000)
    #expect(own >= 7_000)
    // What a packet waits for the others of its batch is no queue.
    #expect(mcc_queue_us(&subject.flow, &subject.config, 47_000) == 0)
  }

  @Test(
    "bursts of the flow, a queue that changes, and batches on a queue that stands are not",
    arguments: [(0, 0), (10_000, 5_000)] as [(UInt32, UInt32)])
  func others(fall: UInt32, queue: UInt32) {
    let subject = Self.steering()
    Self.batches(subject, rounds: 30, gap: 10_000, fall: fall, queue: queue)
    #expect(subject.flow.batch_us < 1_000)
  }

  @Test("acknowledgements that come one by one, with a round trip that varies, are not")
  func variable() {
    let subject = Self.steering()
    for step in 0..<3_000 {
      let rtt: UInt32 = 40_000 + UInt32(step % 5) * 2_000
      if subject.acknowledge(after: 400, rtt: rtt, acked: 2) {
        mcc_act(&subject.flow, &subject.config, 0, Int64(MCC_NO_VERDICT))
      }
    }
    #expect(subject.flow.batch_us < 1_000)
  }

  @Test("what does not come in each of eight intervals is forgotten")
  func forgotten() {
    let subject = Self.steering()
    Self.batches(subject, rounds: 30, gap: 10_000)
    #expect(subject.flow.batch_us > 0)
    for _ in 0..<20 where subject.interval(acked: 20) {
      mcc_act(&subject.flow, &subject.config, 0, Int64(MCC_NO_VERDICT))
    }
    #expect(subject.flow.batch_us == 0)
  }

  @Test(
    "a time of arrival that batches may have moved is taken for that of sending",
    arguments: [
      (40_000, 40_000, 10_000, 40_000), (40_000, 49_000, 10_000, 40_000), (40_000, 52_000, 10_000, 42_000),
      (40_000, 31_000, 10_000, 40_000), (40_000, 25_000, 10_000, 35_000), (40_000, 52_000, 0, 52_000),
    ] as [(UInt32, UInt32, UInt32, UInt32)])
  func arrival(sent: UInt32, received: UInt32, batch: UInt32, expected: UInt32) {
    var flow = mcc_flow()
    flow.batch_us = batch
    var ack = mcc_ack()
    (ack.send_us, ack.receive_us) = (sent, received)
    #expect(mcc_receive_us(&flow, &ack) == expected)
  }
}
