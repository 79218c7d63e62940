/// What a gate said, with the numbers that it said it by.
public struct GateDecision: Sendable, Equatable, Codable {
  public enum Gate: String, Sendable, Equatable, Codable, CaseIterable {
    case stability
    case necessity
    case accuracy
    /// The least time between updates, and the wait after a rollback.
    case time
  }

  public let gate: Gate
  public let isOpen: Bool
  /// What was measured; nil when there was nothing to measure yet.
  public let value: Double?
  /// What it was held against.
  public let threshold: Double
  /// For people: why it is open or shut.
  public let reason: String
  /// Further figures, by name.
  public let figures: [String: Double]

  public init(
    _ gate: Gate, isOpen: Bool, value: Double?, threshold: Double, reason: String,
    figures: [String: Double] = [:]
  ) {
    self.gate = gate
    self.isOpen = isOpen
    self.value = value
    self.threshold = threshold
    self.reason = reason
    self.figures = figures
  }

  enum CodingKeys: String, CodingKey {
    case gate, value, threshold, reason, figures
    case isOpen = "open"
  }
}
