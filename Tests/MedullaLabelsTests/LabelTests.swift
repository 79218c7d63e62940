import Testing

@testable import MedullaLabels

@Suite("What an agent says of a flow")
struct LabelTests {
  @Test("an agent that says nothing abstains, for nothing")
  func abstains() {
    let label = Label(sample: 7, agent: "rules", label: nil)
    #expect(label.label == nil && label.cost == 0)
  }
}
