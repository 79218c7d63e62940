import Foundation
import MedullaBase
import Testing

@testable import MedullaLabels

@Suite("Which flows are asked about")
struct SelectionTests {
  /// Flows of three predicted classes, one of them rare, whose truth depends on all that flows are chosen by.
  static func window(_ count: Int, _ generator: inout SeededGenerator) -> [LabelRequest] {
    (0..<count).map { index in
      let draw = generator.unit()
      let prediction = draw < 0.03 ? 2 : draw < 0.4 ? 1 : draw < 0.9 ? 0 : nil
      let far = generator.chance(0.1) ? 1_000.0 : 1
      return LabelRequest(
        sample: UInt64(index), features: [far * generator.uniform(0.5...2), generator.uniform(0...1)],
        prediction: prediction, margin: generator.exponential(mean: 0.3))
    }
  }

  /// What is estimated: whether the network is wrong, which novel flows and small margins make likelier.
  static func isWrong(_ request: LabelRequest) -> Double {
    request.margin < 0.1 || request.features[0] > 100 || request.prediction == nil || request.sample % 7 == 0
      ? 1 : 0
  }

  static func memory(_ generator: inout SeededGenerator) -> NoveltyMemory? {
    NoveltyMemory((0..<15).map { _ in [generator.uniform(0.5...2), generator.uniform(0...1)] })
  }

  @Test(
    "the inverse-probability estimate of a window is unbiased, for any count and shares",
    arguments: [1, 2, 5, 11, 39])
  func unbiased(count: Int) throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed of selections: \(seed)")
    var generator = SeededGenerator(seed: seed)
    let window = Self.window(40, &generator)
    let memory = Self.memory(&generator)
    let truth = window.reduce(0) { $0 + Self.isWrong($1) }
    for (shares, isBurst) in [(SelectionShares(), false), (SelectionShares(novelty: 0, margin: 0.5), true)] {
      var selection = try FlowSelection(shares, seed: seed &+ 1)
      let rounds = 1_200
      var estimates: [Double] = []
      var weights = 0.0
      for _ in 0..<rounds {
        let chosen = selection.choose(window, count: count, memory: memory, isBurst: isBurst)
        #expect(chosen.count == count, "seed \(seed)")
        estimates.append(chosen.reduce(0) { $0 + Self.isWrong($1.request) / $1.probability })
        weights += chosen.reduce(0) { $0 + 1 / $1.probability }
      }
      let mean = estimates.reduce(0, +) / Double(rounds)
      let square = estimates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rounds - 1)
      let error = (square / Double(rounds)).squareRoot()
      // Five standard errors: by chance once in two million.
      #expect(abs(mean - truth) <= 5 * error + 1e-9, "\(mean) ± \(error), truth \(truth), seed \(seed)")
      #expect(abs(weights / Double(rounds) - 40) < 4, "the weights stand for the window, seed \(seed)")
    }
  }

  @Test("a biased probability would be found: the test above can fail")
  func canFail() throws {
    var generator = SeededGenerator(seed: 3)
    let window = Self.window(120, &generator)
    let truth = window.reduce(0) { $0 + Self.isWrong($1) }
    var selection = try FlowSelection(seed: 4)
    var sum = 0.0
    for _ in 0..<800 {
      // As if all had been drawn alike.
      sum += selection.choose(window, count: 24).reduce(0) { $0 + Self.isWrong($1.request) * 120 / 24 }
    }
    #expect(abs(sum / 800 - truth) > 5)
  }

  @Test("each flow's own frequency is the probability that it is told")
  func frequencies() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed of frequencies: \(seed)")
    var generator = SeededGenerator(seed: seed)
    let window = Self.window(40, &generator)
    let memory = Self.memory(&generator)
    var selection = try FlowSelection(seed: seed &+ 1)
    var chosen = [Double](repeating: 0, count: 40)
    var told = [Double](repeating: 0, count: 40)
    let rounds = 4_000.0
    for _ in 0..<Int(rounds) {
      for flow in selection.choose(window, count: 9, memory: memory) {
        chosen[Int(flow.request.sample)] += 1
        told[Int(flow.request.sample)] = flow.probability
      }
    }
    for (count, probability) in zip(chosen, told) {
      #expect(probability > 0, "each is drawn at times, seed \(seed)")
      let error = (probability * (1 - probability) / rounds).squareRoot()
      #expect(abs(count / rounds - probability) <= 5.5 * error + 1e-9, "seed \(seed)")
    }
  }

  @Test("small margins and unsure flows come before large ones, the rest by chance")
  func margins() throws {
    let window = (0..<50).map { index in
      LabelRequest(
        sample: UInt64(index), features: [0], prediction: index == 49 ? nil : 0, margin: Double(index))
    }
    var selection = try FlowSelection(SelectionShares(novelty: 0, margin: 0.5), seed: 1)
    let chosen = selection.choose(window, count: 10)
    let close = chosen.filter { $0.reason == .margin }
    #expect(close.map(\.request.sample) == [0, 1, 2, 3, 49])
    #expect(close.allSatisfy { $0.probability == 1 })
    let random = chosen.filter { $0.reason == .random }
    #expect(random.count == 5 && random.allSatisfy { abs($0.probability - 5.0 / 45) < 1e-12 })
  }

  @Test("few novel flows stand for many: one of each group, the densest first")
  func cover() throws {
    var generator = SeededGenerator(seed: 9)
    let memory = try #require(
      NoveltyMemory((0..<100).map { _ in [generator.uniform(1...3), generator.uniform(1...3)] }))
    func group(_ centre: Double, _ count: Int) -> [[Double]] {
      (0..<count).map { _ in [centre * generator.uniform(0.999...1.001), 2] }
    }
    // Five alike, twelve alike, one alone, and twenty as before.
    let rows =
      group(10_000, 5) + group(100, 12) + group(10, 1)
      + (0..<20).map { _ in [generator.uniform(1.2...2.8), generator.uniform(1.2...2.8)] }
    let window = rows.enumerated().map { LabelRequest(sample: UInt64($0.offset), features: $0.element) }
    let chosen = memory.cover(window, limit: 10)
    #expect(chosen.count >= 3 && (5..<17).contains(chosen[0]) && chosen[1] < 5, "\(chosen)")
    #expect(chosen.filter { $0 < 18 }.count == 3 && chosen.contains(17), "\(chosen)")
    #expect(memory.distance(of: rows[0]) > memory.threshold)
    #expect(memory.cover(window, limit: 1).count == 1)
    #expect(memory.cover([], limit: 5).isEmpty)
  }

  @Test("about a tenth of the memory's own kind is novel, as its quantile says")
  func quantile() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed of memories: \(seed)")
    var generator = SeededGenerator(seed: seed)
    func row() -> [Double] { (0..<4).map { _ in generator.normal() } }
    let memory = try #require(NoveltyMemory((0..<400).map { _ in row() }))
    let novel = (0..<2_000).count { _ in memory.distance(of: row()) > memory.threshold }
    #expect((80...360).contains(novel), "\(novel) of 2000, seed \(seed)")
  }

  @Test("all of a small window is asked about, for sure; nothing of none")
  func small() throws {
    var generator = SeededGenerator(seed: 5)
    var selection = try FlowSelection(seed: 6)
    let window = Self.window(6, &generator)
    #expect(selection.choose(window, count: 6).map(\.probability) == [1, 1, 1, 1, 1, 1])
    #expect(selection.choose(window, count: 0).isEmpty && selection.choose([], count: 5).isEmpty)
    #expect(throws: LabelBookError.self) {
      try FlowSelection(SelectionShares(novelty: 0.6, margin: 0.4), seed: 1)
    }
  }

  @Test("an allocation sums to what there is, never over a stratum, and rounding keeps its expectation")
  func allocation() {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed of allocations: \(seed)")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<30 {
      let sizes = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
        Int.random(in: 1...60, using: &generator)
      }
      let total = Int.random(in: 1...sizes.reduce(0, +), using: &generator)
      let shares = StratifiedDraw.allocation(Double(total), sizes: sizes)
      #expect(abs(shares.reduce(0, +) - Double(total)) < 1e-9, "seed \(seed)")
      #expect(zip(shares, sizes).allSatisfy { $0 > 0 && $0 <= Double($1) + 1e-9 }, "seed \(seed)")
      var sums = [Double](repeating: 0, count: sizes.count)
      for step in 0..<1_000 {
        let counts = StratifiedDraw.rounded(shares, by: (Double(step) + 0.5) / 1_000)
        #expect(counts.reduce(0, +) == total && zip(counts, sizes).allSatisfy { $0 <= $1 }, "seed \(seed)")
        for (index, count) in counts.enumerated() { sums[index] += Double(count) / 1_000 }
      }
      #expect(zip(sums, shares).allSatisfy { abs($0 - $1) < 0.01 }, "seed \(seed)")
    }
  }

  @Test("drift is worth a burst, which may owe, and half of one some windows later; then it rests")
  func plan() {
    var plan = QuestionPlan(burst: 40, followUp: 2, rest: 3)
    let drifted = [false, true, true, false, true, true]
    let found = drifted.map { plan.window(regular: 5, owing: 30, hasDrifted: $0) }
    typealias Questions = QuestionPlan.Questions
    #expect(
      found == [
        Questions(count: 5, isBurst: false), Questions(count: 30, isBurst: true),
        Questions(count: 5, isBurst: false), Questions(count: 20, isBurst: true),
        Questions(count: 5, isBurst: false), Questions(count: 30, isBurst: true),
      ])
  }
}
