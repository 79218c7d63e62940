/// What an agent says of one decided flow.
package struct Label: Sendable, Equatable, Codable {
  /// Of the sample that was asked about (`FunctionSample.id`), so that a late label finds it.
  package let sample: UInt64
  /// The agent's name.
  package let agent: String
  /// The class, by its place among the network's; nil: the agent abstains.
  package let label: Int?
  /// How sure the agent is of it, 0 to 1.
  package let confidence: Double
  /// In the unit of the agents' budgets; 0: for nothing.
  package let cost: Double

  package init(sample: UInt64, agent: String, label: Int?, confidence: Double = 1, cost: Double = 0) {
    self.sample = sample
    self.agent = agent
    self.label = label
    self.confidence = confidence
    self.cost = cost
  }
}
