/// Finds the rule's two numbers on a grid, by what it does in the simulator.
package struct DelayRuleSearch: Sendable {
  package struct Row: Sendable, Equatable, Codable {
    package let gain: Double
    package let target: Double
    /// Means over all cases.
    package let utility: Double
    package let use: Double
    package let queueRoundTrips: Double
  }

  package static let gains: [Double] = [4, 8, 16, 24, 32, 40, 48, 64, 128]
  package static let targets: [Double] = [1, 1.005, 1.01, 1.02, 1.03, 1.05, 1.08, 1.12, 1.2]

  package var gains = Self.gains
  package var targets = Self.targets
  package var cases: [AuroraEvaluation.Case]

  package init(cases: [AuroraEvaluation.Case] = Self.cases()) { self.cases = cases }

  /// What a path's use and queue are worth together: the reward of training has this form too, with less for
  /// the queue (`AuroraReward`: 0.15 for a round trip of queue where a unit of use has 0.5).
  package static func utility(use: Double, queueRoundTrips: Double) -> Double {
    use - 0.5 * queueRoundTrips
  }

  /// Links of the kinds of the study `ablation`, as the simulator can have them: one flow, random loss, two
  /// and four flows, and a capacity that changes every five seconds.
  package static func cases(seed: UInt64 = 1) -> [AuroraEvaluation.Case] {
    var cases: [AuroraEvaluation.Case] = []
    for rate in [12e6, 48e6, 100e6] {
      for roundTrip in [0.01, 0.04, 0.1] {
        for buffer in [1.0, 4.0] { cases.append(.make(rate, roundTrip, buffer: buffer)) }
      }
      cases.append(.make(rate, 0.04, loss: 0.01))
      for flows in [2, 4] { cases.append(.make(rate, 0.04, flows: flows)) }
    }
    var changing = AuroraEvaluation.Case.make(48e6, 0.04)
    (changing.warmUp, changing.measured) = (10, 30)
    changing.link.changes = (1..<8).map {
      .init(time: Double($0) * 5, rate: $0.isMultiple(of: 2) ? 48e6 : 12e6)
    }
    changing.name += ", changing"
    cases.append(changing)
    return cases.enumerated().map { index, item in
      var item = item
      item.link.seed = seed &+ UInt64(index)
      return item
    }
  }

  /// Every point of the grid, the best first.
  package func run(narrate: (Row) -> Void = { _ in }) throws(LearningError) -> [Row] {
    var rows: [Row] = []
    for gain in gains {
      for target in targets {
        let row = try row(DelayRule(gain: gain, target: target))
        narrate(row)
        rows.append(row)
      }
    }
    return rows.sorted { $0.utility > $1.utility }
  }

  func row(_ rule: DelayRule) throws(LearningError) -> Row {
    let results = try AuroraEvaluation.run(cases, policy: rule.policy)
    let uses = zip(cases, results).map { $1.utilisation * $0.link.rate / Self.meanRate($0) }
    let (use, queue) = (Self.mean(uses), Self.mean(results.map(\.queueRoundTrips)))
    return Row(
      gain: rule.gain, target: rule.target, utility: Self.utility(use: use, queueRoundTrips: queue), use: use,
      queueRoundTrips: queue)
  }

  /// Over the measured time.
  static func meanRate(_ item: AuroraEvaluation.Case) -> Double {
    let end = item.warmUp + item.measured
    let steps = [.init(time: 0, rate: item.link.rate)] + item.link.changes
    let bits = steps.indices.reduce(0.0) { sum, index in
      let until = index + 1 < steps.count ? steps[index + 1].time : end
      return sum + steps[index].rate * max(0, min(until, end) - max(steps[index].time, item.warmUp))
    }
    return bits / item.measured
  }

  private static func mean(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }
}
