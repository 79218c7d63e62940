import CMedullaABI
import MedullaBase

/// One path that the policy is trained on.
package struct AuroraScenario: Sendable, Equatable {
  package var link: LinkScenario
  /// Factor on a flow's rate when the network takes over, so that it learns to come back from anywhere.
  package var disturbances: [Double]
  /// Simulated time at which the episode ends at the latest.
  package var duration: Double

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
    if generator.chance(ranges.crossChance) { link.crossRate = rate * generator.uniform(ranges.cross) }
    link.seed = generator.next()
    let disturbances = (0..<flowCount).map { _ in generator.chance(0.5) ? generator.logUniform(0.2...3) : 1
    }
    let packets = 1.5e6
    let duration = min(Double(decisions) * step * 3, packets * 12000 / rate)
    return AuroraScenario(link: link, disturbances: disturbances, duration: max(duration, 20 * step))
  }

  /// Bits a second that the flows can have at `seconds`.
  func capacity(at seconds: Double) -> Double {
    let change = link.changes.last { $0.time <= seconds }
    return (change?.rate ?? link.rate) - link.crossRate
  }
}
