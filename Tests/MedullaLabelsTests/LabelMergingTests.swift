import MedullaBase
import Testing

@testable import MedullaLabels

@Suite("Labels of several agents become one")
struct LabelMergingTests {
  /// Votes of agents with the given accuracies about drawn truths of two classes.
  private func drawn(
    _ accuracies: [Double], flows: Int, seed: UInt64
  ) -> (truth: [Int], votes: [[Vote]]) {
    var generator = SeededGenerator(seed: seed)
    var truth: [Int] = []
    var votes: [[Vote]] = []
    for _ in 0..<flows {
      let own = generator.chance(0.4) ? 1 : 0
      truth.append(own)
      votes.append(
        accuracies.enumerated().map { place, accuracy in
          Vote(agent: place, label: generator.chance(accuracy) ? own : 1 - own)
        })
    }
    return (truth, votes)
  }

  @Test("accuracies of agents are found from overlaps alone, of inverting ones too", arguments: 1...10)
  func accuracies(seed: Int) {
    let sought = [0.9, 0.75, 0.15, 0.5, 0.8]
    let (_, votes) = drawn(sought, flows: 1_500, seed: UInt64(seed))
    for model in DawidSkene.Model.allCases {
      let errors = DawidSkene(model).estimate(votes, agents: sought.count, classes: 2)
      for (agent, accuracy) in sought.enumerated() {
        #expect(
          abs(errors.accuracy(of: agent) - accuracy) < 0.06,
          "seed \(seed), \(model), agent \(agent): \(errors.accuracy(of: agent))")
      }
    }
  }

  @Test("merged labels are right more often than the majority's where one agent inverts", arguments: 1...5)
  func inverting(seed: Int) {
    let (truth, votes) = drawn([0.9, 0.8, 0.1], flows: 1_000, seed: UInt64(seed))
    let errors = DawidSkene(.oneCoin).estimate(votes, agents: 3, classes: 2)
    func right(_ label: ([Vote]) -> Int) -> Int {
      zip(truth, votes).filter { label($1) == $0 }.count
    }
    let merged = right { DawidSkene.posterior($0, errors)[1] > 0.5 ? 1 : 0 }
    let majority = right { $0.filter { $0.label == 1 }.count > 1 ? 1 : 0 }
    #expect(merged > majority, "seed \(seed): \(merged) and \(majority)")
  }

  @Test("a full confusion finds the class that an agent lies about")
  func targeted() {
    var generator = SeededGenerator(seed: 5)
    let votes = (0..<1_000).map { _ in
      let own = generator.chance(0.5) ? 1 : 0
      return (0..<2).map { Vote(agent: $0, label: generator.chance(0.9) ? own : 1 - own) }
        + [Vote(agent: 2, label: 0)]
    }
    let errors = DawidSkene(.fullConfusion).estimate(votes, agents: 3, classes: 2)
    #expect(errors.confusion[2][1][0] > 0.9)
    #expect(errors.confusion[2][0][0] > 0.9)
    #expect(abs(errors.informedness(of: 2)) < 0.1)
  }

  @Test(
    "an agent that always says the commonest class is not taken to be right",
    arguments: [0.05, 0.2, 0.35], 1...3)
  func constant(share: Double, seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var truth: [Int] = []
    let votes = (0..<500).map { _ in
      let own = generator.chance(share) ? 1 : 0
      truth.append(own)
      return (0..<2).map { Vote(agent: $0, label: generator.chance(0.95) ? own : 1 - own) }
        + [Vote(agent: 2, label: 0)]
    }
    let errors = DawidSkene(.fullConfusion).estimate(votes, agents: 3, classes: 2)
    let wrong = zip(truth, votes).filter { own, said in
      (DawidSkene.posterior(said, errors)[1] > 0.5 ? 1 : 0) != own
    }
    // By the fit that believes it, all of the rarer class.
    #expect(Double(wrong.count) < 500 * share / 2, "share \(share), seed \(seed): \(wrong.count)")
    #expect(errors.informedness(of: 2) < 0.5 && errors.informedness(of: 0) > 0.6)
  }

  @Test("an agent that guesses is muted, and heard again once it knows")
  func muting() {
    var merging = LabelMerging(agents: ["a", "b", "c"], classes: 2)
    var generator = SeededGenerator(seed: 3)
    func feed(_ count: Int, _ accuracy: Double) {
      for sample in 0..<count {
        let own = generator.chance(0.5) ? 1 : 0
        let labels = ["a", "b", "c"].map { name in
          Label(
            sample: UInt64(sample), agent: name,
            label: generator.chance(name == "c" ? accuracy : 0.95) ? own : 1 - own)
        }
        _ = merging.merge(sample: UInt64(sample), labels)
      }
    }
    feed(600, 0.5)
    #expect(merging.standing(of: "c") == .muted)
    #expect(merging.standing(of: "a") == .trusted)
    feed(600, 0.95)
    #expect(merging.standing(of: "c") == .trusted)
    feed(600, 0.02)
    #expect(merging.standing(of: "c") == .inverted)
  }

  @Test("abstentions, strangers and classes that there are not do not vote; their cost is told")
  func abstention() {
    var merging = LabelMerging(agents: ["a"], classes: 2)
    let none = merging.merge(
      sample: 1,
      [
        Label(sample: 1, agent: "a", label: nil, cost: 2), Label(sample: 1, agent: "x", label: 1, cost: 1),
        Label(sample: 1, agent: "a", label: 7),
      ])
    #expect(none.label == nil)
    #expect(none.voters == 0)
    #expect(none.cost == 3)
    #expect(merging.standing(of: "x") == nil)
    let one = merging.merge(sample: 2, [Label(sample: 2, agent: "a", label: 1)])
    #expect(one.label == 1)
    #expect(!one.isConflict)
  }

  @Test("agents that differ and weigh alike are a conflict")
  func conflict() {
    let merging = LabelMerging(agents: ["a", "b"], classes: 2)
    let merged = merging.merged(
      sample: 1, [Label(sample: 1, agent: "a", label: 0), Label(sample: 1, agent: "b", label: 1)])
    #expect(merged.isConflict)
    #expect(merged.label == nil)
  }

  @Test("a posterior of one vote is Bayes' by hand")
  func posterior() {
    let errors = AgentErrors.assumed(agents: 2, classes: 2, accuracy: 0.8)
    let one = DawidSkene.posterior([Vote(agent: 0, label: 1)], errors)
    #expect(abs(one[1] - 0.8) < 1e-12)
    let both = DawidSkene.posterior([Vote(agent: 0, label: 1), Vote(agent: 1, label: 1)], errors)
    #expect(abs(both[1] - 0.64 / 0.68) < 1e-12)
  }
}
