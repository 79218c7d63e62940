import Testing

@testable import MedullaLabels

@Suite("What agents say of the same flows")
struct LabelComparisonTests {
  @Test("coverage, classes and agreement are counted of flows that both have said something of")
  func counts() {
    // Of four flows the network is unsure of the last.
    let network: [UInt64: Int?] = [1: 0, 2: 1, 3: 1, 4: nil]
    let said: [(UInt64, String, Int?)] = [
      (1, "a", 0), (2, "a", 0), (3, "a", nil), (4, "a", 1), (1, "b", 0), (2, "b", 1), (3, "b", nil),
      (3, "b", 1),
      (9, "b", 1),
    ]
    let labels = said.map { Label(sample: $0.0, agent: $0.1, label: $0.2) }
    let comparison = LabelComparison(
      classes: ["x", "y"], network: network, labels: labels, agents: ["a", "b", "c"])
    #expect(comparison.flows == 4 && comparison.decided == 3)
    #expect(
      comparison.agents.map(\.labelled) == [3, 3, 0] && comparison.agents.map(\.abstained) == [1, 1, 4])
    #expect(comparison.agents.map(\.coverage) == [0.75, 0.75, 0])
    #expect(comparison.agents.map { $0.classes.map(\.flows) } == [[2, 1], [1, 2], [0, 0]])
    #expect(
      comparison.agents.map(\.network.both) == [2, 3, 0]
        && comparison.agents.map(\.network.agreed) == [1, 3, 0])
    #expect(comparison.agents[2].network.share == nil)
    #expect(comparison.pairs.map(\.agents) == [["a", "b"], ["a", "c"], ["b", "c"]])
    #expect(comparison.pairs[0].agreement == LabelComparison.Agreement(both: 2, agreed: 1))
  }
}
