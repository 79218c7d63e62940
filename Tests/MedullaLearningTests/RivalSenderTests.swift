import CMedullaABI
import MedullaLearning
import Testing

@Suite("Rivals and hard paths in the simulator")
struct RivalSenderTests {
  /// 12 Mbit/s and 40 ms: a packet a millisecond, 40 of them in flight; the buffer in such products.
  static func scenario(_ senders: [LinkScenario.Sender], buffer: Double) -> LinkScenario {
    LinkScenario(
      rate: 12e6, bufferBytes: Int(buffer * 40) * 1500,
      flows: senders.map { sender in
        var flow = LinkScenario.Flow(roundTrip: 0.04)
        flow.sender = sender
        return flow
      })
  }

  static func simulator(_ scenario: LinkScenario) throws -> CongestionSimulator {
    try SimulatorTests.simulator(scenario)
  }

  /// Shares of the capacity that the flows got from `begin` to `end` seconds.
  static func shares(_ scenario: LinkScenario, from begin: Double, to end: Double) throws -> [Double] {
    let simulator = try simulator(scenario)
    simulator.run(until: begin)
    let before = scenario.flows.indices.map { simulator.counts(of: $0).delivered }
    simulator.run(until: end)
    let packets = (end - begin) * 1000
    return scenario.flows.indices.map { Double(simulator.counts(of: $0).delivered - before[$0]) / packets }
  }

  // MARK: CUBIC and BBR

  @Test("one CUBIC flow fills the path, and its window is a saw between 0.7 and 1 of what fits")
  func cubicAlone() throws {
    let simulator = try Self.simulator(Self.scenario([.cubic], buffer: 1))
    simulator.run(until: 20)
    let before = simulator.counts(of: 0)
    var windows: [Int] = []
    for step in 1...6000 {
      simulator.run(until: 20 + Double(step) * 0.01)
      windows.append(simulator.counts(of: 0).window)
    }
    let after = simulator.counts(of: 0)
    #expect(Double(after.delivered - before.delivered) > 0.95 * 60_000)
    #expect(after.lost > before.lost)
    #expect(after.timeouts == 0)
    let (least, most) = (Double(windows.min() ?? 0), Double(windows.max() ?? 0))
    #expect((0.65 * 80...0.8 * 80).contains(least), "\(least)")
    #expect((0.95 * 80...1.1 * 80).contains(most), "\(most)")
    // Teeth: it falls by three tenths again and again, never by more.
    let falls = zip(windows, windows.dropFirst()).filter { Double($1) < 0.9 * Double($0) }
    #expect(falls.count > 8)
    #expect(falls.allSatisfy { Double($1) > 0.6 * Double($0) })
  }

  @Test("two CUBIC flows share")
  func cubicPair() throws {
    let shares = try Self.shares(Self.scenario([.cubic, .cubic], buffer: 1), from: 0, to: 60)
    let (sum, squares) = (shares.reduce(0, +), shares.reduce(0) { $0 + $1 * $1 })
    #expect(sum > 0.95)
    #expect(sum * sum / (2 * squares) >= 0.9, "\(shares)")
  }

  @Test("one BBR flow fills the path with a queue far below CUBIC's")
  func bbrAlone() throws {
    var waits: [Double] = []
    for sender in [LinkScenario.Sender.bbr, .cubic] {
      let simulator = try Self.simulator(Self.scenario([sender], buffer: 4))
      simulator.run(until: 60)
      #expect(simulator.counts(of: 0).delivered > 54_000)
      waits.append(simulator.linkCounts.waited / Double(simulator.linkCounts.accepted))
    }
    #expect(waits[0] < 0.5 * waits[1], "\(waits)")
    #expect(waits[0] < 0.02)
  }

  @Test("BBR beside others gives way for 0.2 s every ten seconds, and at no other time")
  func bbrLooks() throws {
    let simulator = try Self.simulator(Self.scenario([.bbr, .bbr, .bbr], buffer: 4))
    var begins: [Double] = []
    var small = 0
    for step in 300...6000 {
      let time = Double(step) * 0.01
      simulator.run(until: time)
      guard simulator.counts(of: 0).window <= 4 else { continue }
      small += 1
      if time - (begins.last ?? 0) > 1 { begins.append(time) }
    }
    #expect((4...6).contains(begins.count), "\(begins)")
    for (earlier, later) in zip(begins, begins.dropFirst()) {
      #expect((9.5...12).contains(later - earlier), "\(begins)")
    }
    #expect(Double(small) * 0.01 / Double(max(begins.count, 1)) < 1)
  }

  @Test("BBR takes more than CUBIC where the buffer is short, and leaves it its part where it is long")
  func bbrBesideCubic() throws {
    let short = try Self.shares(Self.scenario([.cubic, .bbr], buffer: 0.5), from: 0, to: 60)
    #expect(short[1] > 1.5 * short[0], "\(short)")
    let long = try Self.shares(Self.scenario([.cubic, .bbr], buffer: 4), from: 0, to: 60)
    #expect(long[0] >= 0.5 * 0.5, "\(long)")
    #expect(long[1] > 0.1, "\(long)")
  }

  // MARK: Paths

  @Test("every packet of any sender is delivered, lost or under way", arguments: [0, 1, 2, 3])
  func conservation(kind: Int) throws {
    var scenario = Self.scenario([.network, .cubic, .bbr], buffer: 1)
    scenario.policer = kind == 1 ? LinkScenario.Policer(rate: 8e6, burst: 30_000) : nil
    scenario.burstLoss = kind == 2 ? LinkScenario.BurstLoss(toBad: 0.002, toGood: 0.3) : nil
    if kind == 3 { (scenario.aggregation, scenario.returnRate) = (0.01, 500_000) }
    let simulator = try Self.simulator(scenario)
    for step in 1...80 {
      simulator.run(until: Double(step) * 0.25)
      var (sent, lost): (Int64, Int64) = (0, 0)
      for index in scenario.flows.indices {
        let counts = simulator.counts(of: index)
        #expect(counts.underway >= 0)
        #expect(counts.inFlight >= counts.underway, "the sender knows of a loss only later")
        sent += counts.sent
        lost += counts.lost
      }
      #expect(simulator.linkCounts.accepted == sent - lost)
      if kind != 2 { #expect(simulator.linkCounts.dropped == lost) }
    }
    let counts = scenario.flows.indices.map { simulator.counts(of: $0) }
    #expect(counts.allSatisfy { $0.delivered > 100 })
    if kind == 2 { #expect(counts.reduce(0) { $0 + $1.lost } > simulator.linkCounts.dropped) }
  }

  /// Cross traffic alone: the flow begins long after.
  static func crossOnly(rate: Double) -> LinkScenario {
    var scenario = scenario([.cubic], buffer: 4)
    scenario.flows[0].start = 1e6
    scenario.crossRate = rate
    return scenario
  }

  @Test("a policer passes its rate and one burst, and drops the rest", arguments: [3_000.0, 15_000, 60_000])
  func policer(burst: Double) throws {
    var scenario = Self.crossOnly(rate: 24e6)
    scenario.rate = 100e6
    scenario.policer = .init(rate: 6e6, burst: burst)
    let simulator = try Self.simulator(scenario)
    simulator.run(until: 20)
    let counts = simulator.linkCounts
    // 6 Mbit/s for 20 s: 10,000 packets; what the bucket holds at either end is within a burst.
    #expect(Double(counts.accepted) <= 10_000 + burst / 1500)
    #expect(Double(counts.accepted) >= 10_000 - burst / 1500 - 100)
    #expect(abs(Double(counts.accepted + counts.dropped) - 40_000) < 1000)
    var below = scenario
    below.crossRate = 1e6
    below.policer = .init(rate: 6e6, burst: 60_000)
    let free = try Self.simulator(below)
    free.run(until: 20)
    #expect(free.linkCounts.dropped == 0)
  }

  @Test("losses in bursts take their share, several packets in a row")
  func burstLoss() throws {
    var scenario = Self.scenario([.bbr], buffer: 4)
    scenario.burstLoss = .init(toBad: 0.002, toGood: 0.25)
    let simulator = try Self.simulator(scenario)
    simulator.run(until: 120)
    let counts = simulator.counts(of: 0)
    // A chain of two states: 0.002 / (0.002 + 0.25) of all packets.
    let share = Double(counts.lost - simulator.linkCounts.dropped) / Double(counts.sent)
    #expect(abs(share - 0.0079) < 0.0025, "\(share)")
  }

  @Test("aggregation makes acknowledgements arrive at multiples of its time")
  func aggregation() throws {
    var scenario = Self.scenario([.cubic], buffer: 4)
    scenario.aggregation = 0.01
    let simulator = try Self.simulator(scenario)
    simulator.run(until: 5)
    var batches: Set<Int64> = []
    for step in 501...800 {
      simulator.run(until: Double(step) * 0.01 + 0.0005)
      let delivered = simulator.counts(of: 0).delivered
      simulator.run(until: Double(step) * 0.01 + 0.0095)
      #expect(simulator.counts(of: 0).delivered == delivered)
      batches.insert(delivered)
    }
    #expect(batches.count > 250)
  }

  @Test("a slow way back holds acknowledgements, and so their clock, back")
  func wayBack() throws {
    var scenario = Self.scenario([.cubic], buffer: 1)
    // A hundred acknowledgements a second, of two packets each.
    scenario.returnRate = 100 * 66 * 8
    let simulator = try Self.simulator(scenario)
    simulator.run(until: 10)
    let before = simulator.counts(of: 0).delivered
    simulator.run(until: 30)
    #expect(abs(Double(simulator.counts(of: 0).delivered - before) - 4000) <= 40)
  }

  @Test("a route change lengthens the round trip at its time, and another shortens it")
  func routes() throws {
    var scenario = Self.scenario([.network], buffer: 4)
    scenario.routes = [.init(time: 10, extra: 0.03), .init(time: 20, extra: 0)]
    var configuration = SimulatorTests.configuration
    configuration.rate_max = 150_000
    let simulator = try CongestionSimulator(scenario, configuration: configuration) { _, _ in 0 }
    func mean(from begin: Double, to end: Double) -> Double {
      simulator.run(until: begin)
      let before = simulator.counts(of: 0)
      simulator.run(until: end)
      let after = simulator.counts(of: 0)
      return (after.rttSum - before.rttSum) / (after.rttSamples - before.rttSamples)
    }
    #expect(abs(mean(from: 5, to: 9.9) - 0.042) < 0.001)
    #expect(abs(mean(from: 10.2, to: 19.9) - 0.072) < 0.001)
    #expect(abs(mean(from: 20.2, to: 25) - 0.042) < 0.001)
    #expect(simulator.counts(of: 0).timeouts == 0)
  }

  @Test(
    "a flow with an end stops and leaves the path to others", arguments: [LinkScenario.Sender.cubic, .bbr])
  func end(sender: LinkScenario.Sender) throws {
    var scenario = Self.scenario([sender, .cubic], buffer: 1)
    scenario.flows[0].end = 10
    let simulator = try Self.simulator(scenario)
    simulator.run(until: 9.5)
    let running = simulator.counts(of: 0).sent
    simulator.run(until: 12)
    let ended = simulator.counts(of: 0)
    #expect(ended.sent > running)
    #expect(ended.underway == 0 && ended.inFlight == 0)
    let before = simulator.counts(of: 1).delivered
    simulator.run(until: 32)
    #expect(simulator.counts(of: 0) == ended)
    #expect(simulator.counts(of: 1).delivered - before > 18_500)
  }

  @Test("cross traffic with a pattern comes and goes")
  func crossPattern() throws {
    var scenario = Self.crossOnly(rate: 6e6)
    scenario.crossPattern = .init(on: 2, off: 3)
    let simulator = try Self.simulator(scenario)
    var last: Int64 = 0
    for second in 0..<20 {
      simulator.run(until: Double(second) + 0.99)
      let accepted = simulator.linkCounts.accepted
      if second % 5 < 2 {
        #expect(abs(Double(accepted - last) - 500) < 120, "second \(second)")
      } else if second % 5 > 2 {
        #expect(accepted == last, "second \(second)")
      }
      last = accepted
    }
  }

  @Test("with all of it the same seed gives the same trace, another seed another")
  func determinism() throws {
    func trace(_ seed: UInt64) throws -> [CongestionSimulator.FlowCounts] {
      var scenario = Self.scenario([.network, .cubic, .bbr], buffer: 2)
      scenario.flows[1].end = 4
      scenario.flows[2].start = 1
      scenario.policer = .init(rate: 10e6, burst: 60_000)
      scenario.burstLoss = .init(toBad: 0.001, toGood: 0.3)
      (scenario.aggregation, scenario.returnRate) = (0.004, 1e6)
      scenario.routes = [.init(time: 2, extra: 0.02)]
      scenario.crossRate = 1e6
      scenario.crossPattern = .init(on: 0.5, off: 0.5)
      (scenario.jitter, scenario.stallEvery, scenario.stallLongest) = (1e-4, 0.1, 0.002)
      scenario.seed = seed
      let simulator = try Self.simulator(scenario)
      var trace: [CongestionSimulator.FlowCounts] = []
      for step in 1...60 {
        simulator.run(until: Double(step) * 0.1)
        trace += scenario.flows.indices.map { simulator.counts(of: $0) }
      }
      return trace
    }
    let first = try trace(7)
    #expect(try trace(7) == first)
    #expect(try trace(8) != first)
  }
}
