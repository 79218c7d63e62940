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

  @Test("beside a rival a queue that stays is the rival's, and never the path's")
  func rivalsQueue() {
    let path = FluidPath(roundTrip: 20_000, capacity: 5000) { latency in
      (FluidPath.givesWay(latency).action, 4)
    }
    path.run(rounds: 60)
    mcc_set_rival(&path.flow)
    path.roundTrip = 80_000
    path.run(rounds: 60)
    #expect(path.flow.base_us == 20_000)
    #expect(path.restarts == 0)
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
