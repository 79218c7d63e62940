/// Says when the adapter is to learn: it stands before `adapt`, as the gates stand before an update.
///
/// Samples that wait while it is shut stay in the queue, up to its limit.
package protocol Trigger: Sendable {
  /// Hears what came, whether or not anybody learns from it.
  mutating func hear(_ news: TriggerNews, at now: Duration)

  /// Whether the adapter is to learn from what waits.
  mutating func decide(at now: Duration) -> TriggerDecision
}

package enum TriggerNews: Sendable, Equatable {
  /// The features of a batch in natural units, `[n][inputs]`.
  case inputs([[Float]])
  /// A value from outside that tells how well the network still does.
  case proxy(Double)
  /// The adapter has learned from what waited.
  case round
}

/// What a trigger said, with the evidence that it said it by.
package struct TriggerDecision: Sendable, Equatable {
  package let trigger: TriggerName
  package let isOpen: Bool
  package let evidence: Evidence

  package init(_ trigger: TriggerName, isOpen: Bool, _ evidence: Evidence) {
    self.trigger = trigger
    self.isOpen = isOpen
    self.evidence = evidence
  }
}

/// A trigger as settings, records and people call it.
package enum TriggerName: String, Sendable, Equatable, Codable, CaseIterable {
  case everyBatch = "every_batch"
  case schedule
  case drift
  case proxy
}

extension TriggerDecision: Codable {
  enum CodingKeys: String, CodingKey {
    case trigger
    case isOpen = "open"
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    trigger = try container.decode(TriggerName.self, forKey: .trigger)
    isOpen = try container.decode(Bool.self, forKey: .isOpen)
    evidence = try Evidence(from: decoder)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(trigger, forKey: .trigger)
    try container.encode(isOpen, forKey: .isOpen)
    try evidence.encode(to: encoder)
  }
}

/// The adapter learns from whatever comes.
package struct EveryBatchTrigger: Trigger {
  package init() {}

  package mutating func hear(_ news: TriggerNews, at now: Duration) {}

  package mutating func decide(at now: Duration) -> TriggerDecision {
    TriggerDecision(
      .everyBatch, isOpen: true,
      Evidence(value: nil, threshold: 0, unit: .samples, count: 0, reason: "every batch is learned from"))
  }
}
