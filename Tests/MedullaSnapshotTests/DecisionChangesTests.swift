import Testing

@testable import MedullaSnapshot

@Suite("decisions that another network would have made otherwise")
struct DecisionChangesTests {
  private static func side(
    _ outputs: [Int64], margin: Double = 0, labels: [String] = ["web", "chat"]
  ) -> DecisionChanges.Side {
    DecisionChanges.Side(outputs: outputs, fractionBits: 8, labels: labels, leastMargin: margin)
  }

  @Test("the same outputs change nothing, other ones of the same class only the outputs")
  func same() {
    var changes = DecisionChanges()
    changes.add("a", Self.side([1, 2]), Self.side([1, 2]))
    changes.add("b", Self.side([1, 2]), Self.side([0, 2]))
    #expect(changes.decisions == 2 && changes.changed == 0 && changes.outputsChanged == 1)
    #expect(changes.transitions.isEmpty && changes.changes.isEmpty)
  }

  @Test("another class is told with both margins, and frequent ways come first")
  func changed() {
    var changes = DecisionChanges()
    changes.add("a", Self.side([512, 0]), Self.side([0, 256]))
    for name in ["b", "c"] { changes.add(name, Self.side([0, 1]), Self.side([1, 0])) }
    #expect(changes.changed == 3 && changes.outputsChanged == 3)
    #expect(
      changes.transitions.map(\.from) == ["chat", "web"] && changes.transitions.map(\.count) == [2, 1])
    #expect(changes.changes[0] == .init(flow: "a", from: "web", to: "chat", marginBefore: 2, marginAfter: 1))
  }

  @Test("a decision with too small a margin is unsure, on either side")
  func unsure() {
    var changes = DecisionChanges()
    changes.add("a", Self.side([512, 0], margin: 1), Self.side([512, 500], margin: 1))
    changes.add("b", Self.side([0, 1], margin: 1), Self.side([1, 0], margin: 1))
    #expect(changes.changed == 1 && changes.changes[0].to == "unsure")
  }

  @Test("where outputs are no classes, only outputs are told of")
  func withoutLabels() {
    var changes = DecisionChanges()
    changes.add("a", Self.side([1, 2], labels: []), Self.side([2, 1], labels: []))
    #expect(changes.changed == nil && changes.outputsChanged == 1)
  }

  @Test("all are counted, the first thousand are told")
  func many() {
    var changes = DecisionChanges()
    for number in 0..<1_200 { changes.add("\(number)", Self.side([1, 0]), Self.side([0, 1])) }
    #expect(
      changes.changed == 1_200 && changes.changes.count == 1_000 && changes.transitions[0].count == 1_200)
  }
}
