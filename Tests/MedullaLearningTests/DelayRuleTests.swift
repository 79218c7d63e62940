import Foundation
import MedullaModel
import Testing

@testable import MedullaLearning

@Suite("The delay rule that the shipped network is compared with")
struct DelayRuleTests {
  private func input(_ ratio: Double, count: Int = 30, else rest: Float = 0.7) -> [Float] {
    var input = [Float](repeating: rest, count: count)
    input[DelayRule.input] = Float(ratio)
    return input
  }

  @Test("the rate grows below the target and shrinks above it, by the gain and never beyond the limit")
  func action() {
    let rule = DelayRule(gain: 20, target: 1.1)
    #expect(abs(rule.action(latencyRatio: 1.1)) < 1e-12)
    #expect(abs(rule.action(latencyRatio: 1.095) - 0.1) < 1e-3)
    #expect(abs(rule.action(latencyRatio: 9) + DelayRule.limit) < 1e-3 && DelayRule.limit == 10)
    #expect(DelayRule.input == 28)
  }

  @Test(
    "as a network it looks at the newest latency ratio alone, whatever else comes in", arguments: [30, 37])
  func network(inputs: Int) throws {
    let rule = DelayRule(gain: 32, target: 1.05)
    let shape = try DenseNetwork(
      widths: [inputs, 32, 16, 2], activations: [.tanh, .tanh, .identity], seed: 3
    ).network(name: "shape", inputName: "observation", outputName: "action")
    let network = try rule.network(like: shape)
    #expect(network.inputName == "observation" && network.outputName == "action")
    #expect(network.inputShape == shape.inputShape && network.layerShapes == shape.layerShapes)
    let reference = FloatReference(network)
    for ratio in stride(from: 1.0, through: 4, by: 0.05) {
      let wanted = Float(rule.action(latencyRatio: ratio))
      let output = try reference.run(input(ratio, count: inputs))
      #expect(abs(output[0] - wanted) <= 0.021 * abs(wanted) + 1e-4, "\(ratio)")
      #expect(output[1] == -4, "a rule knows of no rivals")
      #expect(try reference.run(input(ratio, count: inputs, else: -3)) == output)
    }
  }

  @Test("a network without hidden layers, or with others than tanh, carries no rule")
  func refused() throws {
    for (widths, activations) in [
      ([30, 1], [.identity]), ([30, 8, 1], [.relu, .identity]), ([20, 8, 1], [.tanh, .identity]),
    ] as [([Int], [DenseNetwork.Activation])] {
      let shape = try DenseNetwork(widths: widths, activations: activations, seed: 1).network(name: "n")
      #expect(throws: LearningError.self, "\(widths)") { try DelayRule.best.network(like: shape) }
    }
  }

  @Test("the other networks of the comparison say nothing, or what their seed draws")
  func others() throws {
    let shape = try DenseNetwork(
      widths: [30, 32, 16, 1], activations: [.tanh, .tanh, .identity], seed: 3
    ).network(name: "shape")
    #expect(try FloatReference(shape.silenced()).run(input(2)) == [0])
    let drawn = try shape.untrained(seed: 1)
    #expect(try drawn == shape.untrained(seed: 1) && drawn != shape.untrained(seed: 2))
    #expect(drawn.layerShapes == shape.layerShapes)
    #expect(try FloatReference(drawn).run(input(2)) != FloatReference(drawn).run(input(1)))
  }

  @Test("a search finds the point of the grid that is worth most, and the better rule has the better figures")
  func search() throws {
    var search = DelayRuleSearch(cases: [
      .make(12e6, 0.04, buffer: 4), .make(12e6, 0.04, loss: 0.01), .make(12e6, 0.04, flows: 2),
    ])
    (search.gains, search.targets) = ([1, 32], [1.05, 1.5])
    var told = 0
    let rows = try search.run { _ in told += 1 }
    #expect(rows.count == 4 && told == 4)
    #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.utility >= $1.utility })
    for row in rows {
      #expect(
        row.utility
          == DelayRuleSearch.utility(use: row.use, queueRoundTrips: row.queueRoundTrips))
    }
    // A target of half a round trip of queue has more queue than one of a twentieth.
    let (short, long) = (
      try #require(rows.first { $0.gain == 32 && $0.target == 1.05 }),
      try #require(rows.first { $0.gain == 32 && $0.target == 1.5 })
    )
    #expect(long.queueRoundTrips > short.queueRoundTrips + 0.1 && long.utility < short.utility)
    #expect(try search.run() == rows)
  }

  @Test("the rule of the study is a point of the grid, and worth more than points far from it")
  func best() throws {
    let search = DelayRuleSearch()
    let best = DelayRule.best
    #expect(search.gains.contains(best.gain) && search.targets.contains(best.target))
    let worth = try search.row(best).utility
    for other in [
      DelayRule(gain: best.gain / 5, target: best.target), DelayRule(gain: best.gain, target: 1.2),
      DelayRule(gain: 128, target: best.target),
    ] {
      #expect(try search.row(other).utility < worth, "\(other)")
    }
  }

  @Test("a changing capacity counts with what it was in the measured time")
  func capacity() {
    var item = AuroraEvaluation.Case.make(48e6, 0.04)
    (item.warmUp, item.measured) = (10, 30)
    #expect(DelayRuleSearch.meanRate(item) == 48e6)
    item.link.changes = [.init(time: 5, rate: 12e6), .init(time: 25, rate: 48e6), .init(time: 90, rate: 1e6)]
    #expect(abs(DelayRuleSearch.meanRate(item) - 30e6) < 1)
  }
}
