import CMedullaABI
import Testing

@Suite("The empty path's round trip, and marks")
struct PathTests {
  @Test("a round trip that steps from 20 to 80 ms and stays is the path's: the start begins anew")
  func grownPath() {
    let path = FluidPath(roundTrip: 20_000, capacity: 5000)
    path.run(rounds: 100)
    #expect(path.flow.phase == MCC_STEER.rawValue)
    #expect(path.flow.base_us == 20_000)
    #expect(path.restarts == 0)
    path.roundTrip = 80_000
    for _ in 0..<40 where path.restarts == 0 { path.run(rounds: 1) }
    #expect(path.restarts == 1)
    #expect((74_000...80_000).contains(path.flow.base_us))
    path.run(rounds: 60)
    #expect(path.restarts == 1)
    #expect(path.flow.phase == MCC_STEER.rawValue)
    // The path holds 400 packets now; a flow that held to 20 ms would have stayed at 100.
    #expect(path.flow.window > 300)
  }

  @Test("a round trip that stays while the flow does not give way may be its own queue")
  func noGivingWay() {
    let path = FluidPath(roundTrip: 20_000, capacity: 5000)
    path.run(rounds: 100)
    path.policy = { _ in (0, nil) }
    path.config.fairness_q16 = 0
    path.roundTrip = 80_000
    path.run(rounds: 60)
    #expect(path.flow.base_us == 20_000)
    #expect(path.restarts == 0)
  }

  @Test("a queue that answers to giving way does not raise the base", arguments: [2.0, 3, 5])
  func answeringQueue(factor: Double) {
    let path = FluidPath(roundTrip: 20_000, capacity: 5000) { _ in (0, nil) }
    path.config.fairness_q16 = 0
    path.run(rounds: 40)
    #expect(path.flow.phase == MCC_STEER.rawValue)
    mcc_set_rate(&path.flow, &path.config, UInt64(Double(path.flow.rate) * factor))
    path.run(rounds: 6)
    #expect(path.rtt > 30_000, "there is a queue")
    path.policy = FluidPath.givesWay
    path.run(rounds: 60)
    #expect(path.mostBase == 20_000)
    #expect(path.restarts == 0)
    #expect(path.rtt < 27_000)
  }

  @Test("a rival is no rival whose queue stays while the flow takes more, and in a look: the path is longer")
  func grownPathBelieved() {
    let path = FluidPath(roundTrip: 20_000, capacity: 5000) { latency in (latency > 1.25 ? -4 : 1, 4) }
    path.run(rounds: 60)
    path.roundTrip = 80_000
    mcc_set_rival(&path.flow)
    for _ in 0..<200 where path.restarts == 0 {
      #expect(path.flow.rival == 1)
      path.run(rounds: 1)
    }
    #expect(path.restarts == 1)
    #expect(path.flow.rival == 0)
    #expect((74_000...80_000).contains(path.flow.base_us))
  }

  /// A flow that believes in a rival, 60 ms behind 20, and takes a quarter more while that stays.
  private func taking(_ change: (inout mcc_flow) -> Void) -> Int32 {
    var flow = mcc_flow()
    var config = mcc_config()
    mcc_default_config(&config)
    mcc_init(&flow, &config, 1_000_000, 20_000, 20_000, 100, 1448)
    flow.rate = 10_000_000
    flow.rival = 1
    flow.past.stay_us = 80_000
    flow.past.stay_rounds = 20 << 16
    flow.past.least_us.0 = 80_000
    flow.past.stay_delivery = 4_000_000
    flow.past.delivery_mean = 5_000_000
    flow.past.look_age = 10 << 16
    change(&flow)
    return mcc_path_has_grown(&flow, &config)
  }

  @Test("without a look meanwhile, or without taking more, it stays the rival's queue")
  func rivalsQueue() {
    #expect(taking { _ in } == 1)
    #expect(taking { $0.past.look_age = 20 << 16 } == 0, "the look was before")
    #expect(taking { $0.past.delivery_mean = 4_999_999 } == 0, "less than a quarter more")
    #expect(taking { $0.past.stay_rounds = (8 << 16) - 1 } == 0, "not for long enough")
    #expect(taking { $0.past.stay_us = 29_000 } == 0, "not far beyond what counts as the same")
    #expect(taking { $0.past.stay_us = 30_000 } == 1)
  }

  @Test(
    "a round trip that a look changes does not stay",
    arguments: [(65_536, 20), (61_440, 20), (61_000, 0), (0, 0)] as [(UInt32, UInt32)])
  func lookedAt(after: UInt32, stays: UInt32) {
    var flow = mcc_flow()
    var config = mcc_config()
    mcc_default_config(&config)
    mcc_init(&flow, &config, 1_000_000, 20_000, 20_000, 100, 1448)
    flow.rate = 10_000_000
    (flow.past.look_before, flow.past.stay_rounds) = (65_536, 20)
    // The queue of the look is what the least round trip leaves above the empty path.
    let base = mcc_base_rtt(&flow, &config)
    flow.least_us = UInt32(20_000 + (base - 20_000) / 2 + 125 + (UInt64(after) * base + 65_535) / 65_536)
    mcc_note_look(&flow, &config, 2_000_000)
    #expect(flow.past.stay_rounds == stays, "\(flow.past.look_after)")
  }

  @Test(
    "while packets are lost or marked, what is taken more counts from there",
    arguments: [(0, 0, 4_000_000), (1, 0, 5_000_000), (0, 1, 5_000_000)] as [(UInt32, UInt32, UInt64)])
  func lossyTaking(lost: UInt32, marked: UInt32, expected: UInt64) {
    var flow = mcc_flow()
    flow.past.stay_us = 80_000
    flow.past.stay_rounds = 20 << 16
    flow.past.stay_delivery = 4_000_000
    flow.past.delivery_mean = 5_000_000
    (flow.lost, flow.marked) = (lost, marked)
    mcc_past_stay(&flow, 80_000)
    #expect(flow.past.stay_delivery == expected)
  }

  @Test("the base falls at once with a smaller sample, in whatever phase")
  func fallingBase() {
    let subject = ControlledFlow()
    _ = subject.acknowledge(after: 1000, rtt: 35_000)
    #expect(subject.flow.base_us == 35_000)
    subject.reachSteering(packets: 100)
    _ = subject.acknowledge(after: 1000, rtt: 15_000)
    #expect(subject.flow.base_us == 15_000)
    _ = subject.acknowledge(after: 1000, rtt: 60_000)
    #expect(subject.flow.base_us == 15_000)
  }

  // MARK: Marks

  @Test(
    "classic marks take a fifth once a round trip, however many acknowledgements carry one",
    arguments: [1, 3, 10] as [UInt32])
  func classic(marked: UInt32) {
    let subject = ControlledFlow()
    subject.reachSteering(packets: 100)
    let rate = Double(subject.flow.rate)
    for _ in 0..<12 {
      _ = subject.acknowledge(after: 4000, acked: 10, marked: marked)
      #expect(abs(Double(subject.flow.rate) / rate - 0.8) < 0.001)
    }
    for _ in 0..<12 { _ = subject.acknowledge(after: 4000, acked: 10, marked: marked) }
    #expect(abs(Double(subject.flow.rate) / rate - 0.64) < 0.001)
    let cut = subject.flow.rate
    for _ in 0..<12 { _ = subject.acknowledge(after: 4000, acked: 10) }
    #expect(subject.flow.rate == cut, "without marks there is nothing to answer")
  }

  @Test("accurate marks take half of their share", arguments: [1, 2, 5, 10] as [UInt32])
  func accurate(marked: UInt32) throws {
    let subject = ControlledFlow { $0.ecn = MCC_ECN_ACCURATE.rawValue }
    subject.reachSteering(packets: 100)
    var cuts: [Double] = []
    for step in 0..<1500 {
      mcc_set_rate(&subject.flow, &subject.config, 3_000_000)
      _ = subject.acknowledge(after: 4000, acked: 10, marked: marked)
      if step >= 1200, subject.flow.rate < 3_000_000 { cuts.append(Double(subject.flow.rate) / 3_000_000) }
    }
    // Of the last 1.2 seconds, one each round trip and a quarter.
    #expect((20...30).contains(cuts.count))
    let share = Double(marked) / 10
    for cut in cuts { #expect(abs(cut - (1 - share / 2)) < 0.01) }
  }

  @Test("the share that marks had lately is what counts: one mark after many clean intervals is little")
  func loneMark() {
    let subject = ControlledFlow { $0.ecn = MCC_ECN_ACCURATE.rawValue }
    subject.reachSteering(packets: 100)
    let rate = Double(subject.flow.rate)
    _ = subject.acknowledge(after: 4000, acked: 10, marked: 10)
    #expect(Double(subject.flow.rate) > 0.95 * rate)
  }
}
