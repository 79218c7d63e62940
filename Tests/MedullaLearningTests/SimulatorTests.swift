import CMedullaABI
import MedullaLearning
import Testing

@Suite("Congestion simulator")
struct SimulatorTests {
  static func scenario(
    rate: Double = 12e6, roundTrip: Double = 0.04, packets: Int = 40, loss: Double = 0, flows: Int = 1
  ) -> LinkScenario {
    LinkScenario(
      rate: rate, bufferBytes: packets * 1500, loss: loss,
      flows: (0..<flows).map { .init(start: Double($0) * 0.3, roundTrip: roundTrip) })
  }

  static var configuration: mcc_config {
    var configuration = mcc_config()
    mcc_default_config(&configuration)
    return configuration
  }

  /// Holds the rate that the start has found.
  static func simulator(_ scenario: LinkScenario, action: SteeringOutputs = 0) throws -> CongestionSimulator {
    try CongestionSimulator(scenario, configuration: configuration) { _, _ in action }
  }

  @Test(
    "every packet sent is delivered, lost or under way",
    arguments: [(0.0, 40, 1), (0.02, 40, 1), (0.0, 5, 3), (0.3, 40, 2), (0.01, 400, 4)])
  func conservation(loss: Double, packets: Int, flows: Int) throws {
    let simulator = try Self.simulator(
      Self.scenario(packets: packets, loss: loss, flows: flows), action: 65536)
    for step in 1...40 {
      simulator.run(until: Double(step) * 0.25)
      var sent: Int64 = 0
      var lost: Int64 = 0
      for index in 0..<flows {
        let counts = simulator.counts(of: index)
        #expect(counts.underway >= 0)
        #expect(counts.inFlight >= 0)
        #expect(counts.inFlight >= counts.underway, "the sender knows of a loss only later")
        #expect(counts.sent == counts.delivered + counts.lost + counts.underway)
        sent += counts.sent
        lost += counts.lost
      }
      #expect(simulator.linkCounts.accepted == sent - lost)
      if loss == 0 { #expect(simulator.linkCounts.dropped == lost) }
    }
    #expect(simulator.counts(of: 0).delivered > 100)
  }

  /// The start for ever, at no less than `rate` bytes a second.
  static func starting(_ scenario: LinkScenario, atLeast rate: Double) throws -> CongestionSimulator {
    var configuration = configuration
    configuration.interval_min_packets = .max
    configuration.rate_min = UInt64(rate)
    return try CongestionSimulator(scenario, configuration: configuration) { _, _ in 0 }
  }

  @Test("a sender above the capacity delivers exactly the capacity", arguments: [12e6, 100e6])
  func capacity(rate: Double) throws {
    let simulator = try Self.starting(Self.scenario(rate: rate, packets: 10_000), atLeast: rate / 2)
    simulator.run(until: 10)
    let before = simulator.counts(of: 0).delivered
    simulator.run(until: 20)
    let delivered = Double(simulator.counts(of: 0).delivered - before) * 12_000
    // An acknowledgement covers up to two packets, so either end may be off by two.
    #expect(abs(delivered - rate * 10) <= 4 * 12_000)
  }

  @Test("an empty path delays by propagation and the service of one's own burst, and no more")
  func delay() throws {
    var configuration = Self.configuration
    configuration.rate_max = 150_000
    let simulator = try CongestionSimulator(Self.scenario(), configuration: configuration) { _, _ in 0 }
    simulator.run(until: 20)
    let counts = simulator.counts(of: 0)
    // Bursts of 2 packets, one acknowledgement: 40 ms and two services of 1 ms.
    #expect(abs(counts.rttSum / counts.rttSamples - 0.042) < 5e-5)
    #expect(counts.minRTT == 0.04, "the handshake has no service time")
    #expect(simulator.linkCounts.dropped == 0)
    let wait = simulator.linkCounts.waited / Double(simulator.linkCounts.accepted)
    #expect(abs(wait - 0.0005) < 1e-5)
  }

  @Test("a paced sender sends at its rate")
  func pacing() throws {
    var configuration = Self.configuration
    configuration.rate_max = 100_000
    let simulator = try CongestionSimulator(Self.scenario(), configuration: configuration) { _, _ in 655_360 }
    simulator.run(until: 2)
    let before = simulator.counts(of: 0).sent
    simulator.run(until: 32)
    let rate = Double(simulator.counts(of: 0).sent - before) * 1448 / 30
    #expect(abs(rate / 100_000 - 1) < 0.002)
  }

  @Test("the same seed gives the same trace, another seed another")
  func determinism() throws {
    func trace(_ seed: UInt64) throws -> [Int64] {
      var scenario = Self.scenario(loss: 0.01, flows: 2)
      scenario.jitter = 1e-4
      scenario.stallEvery = 0.1
      scenario.stallLongest = 0.002
      scenario.crossRate = 1e6
      scenario.seed = seed
      var trace: [Int64] = []
      let simulator = try CongestionSimulator(scenario, configuration: Self.configuration) { flow, features in
        trace += [Int64(flow)] + (0..<Int(MCC_FEATURES)).map { features[$0] }
        return 0
      }
      simulator.run(until: 5)
      return trace
    }
    let first = try trace(7)
    #expect(first.count > 1000)
    #expect(try trace(7) == first)
    #expect(try trace(8) != first)
  }

  @Test("random loss takes its share and timeouts repair a flow that lost everything")
  func loss() throws {
    var configuration = Self.configuration
    configuration.rate_max = 1_200_000
    let some = try CongestionSimulator(Self.scenario(loss: 0.02), configuration: configuration) { _, _ in
      20_000
    }
    some.run(until: 60)
    let counts = some.counts(of: 0)
    let share = Double(counts.lost) / Double(counts.sent)
    #expect(abs(share - 0.02) < 0.003)
    let most = try Self.simulator(Self.scenario(loss: 0.8))
    most.run(until: 60)
    #expect(most.counts(of: 0).timeouts > 3)
    #expect(most.counts(of: 0).delivered > 10)
  }

  @Test("full queues drop, and what waits never exceeds the buffer")
  func droptail() throws {
    let simulator = try Self.simulator(Self.scenario(packets: 20), action: 655_360)
    simulator.run(until: 10)
    #expect(simulator.linkCounts.dropped > 0)
    #expect(simulator.backlogSeconds <= 20 * 0.001 + 1e-9)
  }

  @Test("samples tell the rate of the bottleneck when it is full")
  func rateSamples() throws {
    let simulator = try Self.starting(Self.scenario(rate: 48e6, packets: 400), atLeast: 1)
    simulator.run(until: 3)
    // The start takes its rate from the largest rate sample: payload of 48 Mb/s, doubled in a round trip.
    let estimate = simulator.counts(of: 0).rate * 256 / Double(MCC_START_GAIN_Q8)
    #expect(abs(estimate / (48e6 * 1448 / 1500) - 1) < 0.02)
  }

  @Test("an on-off source is silent when it is off and its idle time is no signal")
  func onOff() throws {
    var scenario = Self.scenario()
    scenario.flows[0].onOff = .init(on: 1, off: 2)
    let simulator = try Self.simulator(scenario)
    simulator.run(until: 1.5)
    let first = simulator.counts(of: 0)
    simulator.run(until: 2.9)
    #expect(simulator.counts(of: 0).sent == first.sent)
    #expect(simulator.counts(of: 0).timeouts == 0)
    simulator.run(until: 3.5)
    #expect(simulator.counts(of: 0).sent > first.sent)
  }

  @Test("a change of capacity takes hold at its time")
  func capacityChange() throws {
    var scenario = Self.scenario(packets: 1000)
    scenario.changes = [.init(time: 10, rate: 24e6)]
    let simulator = try Self.starting(scenario, atLeast: 6e6)
    simulator.run(until: 9)
    let before = simulator.counts(of: 0).delivered
    simulator.run(until: 10)
    let slow = simulator.counts(of: 0).delivered
    simulator.run(until: 14)
    let middle = simulator.counts(of: 0).delivered
    simulator.run(until: 15)
    #expect(abs(Double(slow - before) - 1000) <= 4)
    #expect(abs(Double(simulator.counts(of: 0).delivered - middle) - 2000) <= 4)
  }

  @Test("scenarios that make no sense are refused by name")
  func refusal() {
    var scenario = Self.scenario()
    scenario.rate = -1
    #expect(throws: LearningError.self) { try Self.simulator(scenario) }
    scenario = Self.scenario()
    scenario.flows = []
    #expect(throws: LearningError.self) { try Self.simulator(scenario) }
    scenario = Self.scenario()
    scenario.loss = 1
    #expect(throws: LearningError.self) { try Self.simulator(scenario) }
  }
}
