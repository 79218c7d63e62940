/// What labels led to: the network was trained anew, or was not though something called for it.
package struct RetrainRecord: Sendable, Equatable, Codable {
  package enum Outcome: String, Sendable, Equatable, Codable {
    case trained
    /// What was learned would have made it worse; the labels that it was learned from are kept apart.
    case refused
    /// There was not enough to learn from.
    case postponed
  }

  package var outcome: Outcome
  /// What called for it, and what came of it, in words.
  package var reason: String
  /// The numbers behind, by name.
  package var figures: [String: Double]

  package init(_ outcome: Outcome, reason: String, figures: [String: Double] = [:]) {
    self.outcome = outcome
    self.reason = reason
    self.figures = figures
  }
}
