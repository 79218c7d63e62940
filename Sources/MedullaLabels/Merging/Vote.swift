/// What one agent said of one flow, as merging takes it: agents and classes by their places.
package struct Vote: Sendable, Equatable, Codable {
  package let agent: Int
  package let label: Int
  /// How sure the agent is, 0 to 1: by which its vote's weight is multiplied.
  package let confidence: Double

  package init(agent: Int, label: Int, confidence: Double = 1) {
    (self.agent, self.label, self.confidence) = (agent, label, min(max(confidence, 0), 1))
  }
}

/// What the agents' labels of one flow come to.
package struct MergedLabel: Sendable, Equatable, Codable {
  package let sample: UInt64
  /// nil: nobody said anything that counts, or the classes are too close together.
  package let label: Int?
  /// How probable each class is.
  package let probabilities: [Double]
  /// Agents that count differ, and the most probable class is not clear: worth asking a stronger agent.
  package let isConflict: Bool
  /// Of all labels that went into it.
  package let cost: Double
  /// Agents whose votes counted.
  package let voters: Int

  package init(
    sample: UInt64, label: Int?, probabilities: [Double], isConflict: Bool, cost: Double, voters: Int
  ) {
    (self.sample, self.label, self.probabilities) = (sample, label, probabilities)
    (self.isConflict, self.cost, self.voters) = (isConflict, cost, voters)
  }

  /// Of the label, 0 to 1; 0 without one.
  package var confidence: Double { label.map { probabilities[$0] } ?? 0 }
}
