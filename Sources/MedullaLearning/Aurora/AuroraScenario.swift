import CMedullaABI
import MedullaBase

/// One path that the policy is trained on.
package struct AuroraScenario: Sendable, Equatable {
  package var link: LinkScenario
  /// Factor on a flow's rate when the network takes over, so that it learns to come back from anywhere.
  package var disturbances: [Double]
  /// Simulated time at which the episode ends at the latest.
  package var duration: Double
  /// Decisions of a flow at which the episode ends.
  package var decisions = 160

  /// Packets of one bandwidth-delay product on the way and in service.
  static func product(rate: Double, roundTrip: Double) -> Double { rate * roundTrip / 12000 }

  /// Draws a path: 1-1000 Mb/s, 1-200 ms, buffers of 0.2-8 products, mostly no random loss, 1-4 flows, hosts
  /// from quiet to noisy, and in a third of the cases a capacity that changes.
  package static func random(seed: UInt64, decisions: Int) -> AuroraScenario {
    random(in: .wide, seed: seed, decisions: decisions)
  }

  /// Draws a path from `ranges`; hosts are from quiet to noisy. The same seed gives the same path.
  package static func random(in ranges: AuroraRanges, seed: UInt64, decisions: Int) -> AuroraScenario {
    var generator = SeededGenerator(seed: seed)
    let rate = generator.logUniform(ranges.rate)
    let roundTrip = generator.logUniform(ranges.roundTrip)
    let product = product(rate: rate, roundTrip: roundTrip)
    let buffer = max(generator.logUniform(ranges.buffer) * product, generator.uniform(6...20))
    let isAlone = generator.chance(1 - ranges.sharedChance) || ranges.flowLimit < 2
    let flowCount = isAlone ? 1 : Int(generator.uniform(2...(Double(ranges.flowLimit) + 0.999)))
    let step = roundTrip + 0.001
    var flows: [LinkScenario.Flow] = []
    for index in 0..<flowCount {
      let start = index == 0 ? 0 : generator.uniform(0...Double(decisions) * 0.5) * step
      let spread = generator.chance(1 - ranges.spreadChance) ? 1 : generator.logUniform(0.5...2)
      flows.append(.init(start: start, roundTrip: roundTrip * spread))
    }
    var link = LinkScenario(rate: rate, bufferBytes: Int(buffer * 1500), flows: flows)
    if generator.chance(ranges.lossChance) { link.loss = generator.logUniform(ranges.loss) }
    link.acknowledgedTogether = [2, 2, 4, 8, 16][Int(generator.unit() * 5)]
    link.jitter = generator.chance(0.2) ? 0 : generator.logUniform(5e-6...5e-4)
    if generator.chance(0.5) {
      link.stallEvery = generator.logUniform(0.02...1)
      link.stallLongest = generator.logUniform(0.0003...0.008)
    }
    if generator.chance(ranges.changeChance) {
      for _ in 0..<Int(generator.uniform(1...3.99)) {
        let time = generator.uniform(0.1...1) * Double(decisions) * step
        let least = min(1e6, ranges.rate.lowerBound)
        link.changes.append(.init(time: time, rate: max(rate * generator.logUniform(ranges.change), least)))
      }
      link.changes.sort { $0.time < $1.time }
    }
    if generator.chance(ranges.crossChance) {
      link.crossRate = rate * generator.uniform(ranges.cross)
      if generator.chance(0.4) {
        let times = (0..<2).map { _ in generator.logUniform(5...80) * step }
        link.crossPattern = .init(on: times[0], off: times[1])
      }
    }
    var length = decisions
    draw(&link, &length, in: ranges, &generator)
    link.seed = generator.next()
    let disturbances = (0..<link.flows.count).map { _ in
      generator.chance(0.5) ? generator.logUniform(0.2...3) : 1
    }
    let packets = 1.5e6
    let duration = min(Double(length) * step * 3, packets * 12000 / rate)
    return AuroraScenario(
      link: link, disturbances: disturbances, duration: max(duration, 20 * step), decisions: length)
  }

  /// What makes a path hard: policers, batches of acknowledgements, slow ways back, losses in bursts, routes
  /// that change, and rivals.
  private static func draw(
    _ link: inout LinkScenario, _ decisions: inout Int, in ranges: AuroraRanges,
    _ generator: inout SeededGenerator
  ) {
    let roundTrip = link.flows[0].roundTrip
    let length = Double(decisions) * (roundTrip + 0.001)
    if generator.chance(ranges.hardChance) {
      switch Int(generator.unit() * 5) {
      case 0:
        let rate = link.rate * generator.logUniform(0.1...0.8)
        link.policer = .init(
          rate: rate, burst: max(15_000, rate / 8 * roundTrip * generator.logUniform(0.1...1)))
      case 1: link.aggregation = generator.logUniform(0.001...0.02)
      case 2: link.returnRate = link.rate / generator.logUniform(20...60)
      case 3:
        let burst = generator.logUniform(2...16)
        link.burstLoss = .init(toBad: generator.logUniform(0.0005...0.02) / burst, toGood: 1 / burst)
      default:
        link.routes = [
          .init(
            time: generator.uniform(0.1...0.6) * length, extra: roundTrip * generator.logUniform(0.3...6))
        ]
      }
    }
    guard generator.chance(ranges.rivalChance) else { return }
    decisions = decisions * 2
    let count = generator.chance(0.75) ? 1 : 2
    for _ in 0..<count {
      var rival = LinkScenario.Flow(roundTrip: roundTrip)
      rival.sender = generator.chance(0.7) ? .cubic : .bbr
      if generator.chance(0.4) {
        // It was there before: the first of ours comes late.
        let wait = generator.logUniform(10...120) * roundTrip
        for index in link.flows.indices where link.flows[index].sender == .network {
          link.flows[index].start += wait
        }
      } else {
        rival.start = generator.uniform(0...0.5) * length
      }
      if generator.chance(0.35) { rival.end = rival.start + generator.uniform(0.3...1.5) * length }
      if generator.chance(0.15) {
        rival.onOff = .init(
          on: generator.logUniform(5...100) * roundTrip, off: generator.logUniform(5...100) * roundTrip)
      }
      link.flows.append(rival)
    }
  }

  /// Bits a second that the flows can have at `seconds`.
  func capacity(at seconds: Double) -> Double {
    let change = link.changes.last { $0.time <= seconds }
    var rate = change?.rate ?? link.rate
    if let policer = link.policer { rate = min(rate, policer.rate) }
    guard let pattern = link.crossPattern else { return rate - link.crossRate }
    let place = seconds.truncatingRemainder(dividingBy: pattern.on + pattern.off)
    return place <= pattern.on ? rate - link.crossRate : rate
  }

  /// Flows that send at `seconds`.
  func active(at seconds: Double) -> Int {
    link.flows.count { $0.start <= seconds && seconds < $0.end }
  }

  /// The part of what is in flight above which rivals are felt.
  static let rivalShare = 0.1

  /// The part of what is in flight that belongs to flows who give way to nobody's queue, 0 to 1.
  package func rivalShare(in simulator: CongestionSimulator) -> Double {
    guard link.flows.contains(where: { $0.sender != .network }) else { return 0 }
    var (all, theirs) = (0.0, 0.0)
    for (index, flow) in link.flows.enumerated() where flow.start <= simulator.seconds {
      let inFlight = Double(simulator.counts(of: index).inFlight)
      all += inFlight
      if flow.sender != .network { theirs += inFlight }
    }
    return all > 0 ? theirs / all : 0
  }

  /// Seconds beside propagation and queue that a round trip takes at `seconds`.
  func delay(at seconds: Double) -> Double {
    (link.routes.last { $0.time <= seconds }?.extra ?? 0) + link.aggregation / 2
  }
}
