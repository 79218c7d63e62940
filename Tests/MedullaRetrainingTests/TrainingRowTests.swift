import Testing

@testable import MedullaRetraining

@Suite("Rows that are learned from")
struct TrainingRowTests {
  @Test("a row counts once unless it is said otherwise")
  func weight() {
    #expect(TrainingRow(features: [1], label: 0).weight == 1)
  }
}
