/// What a gate said, with the evidence that it said it by.
package struct GateDecision: Sendable, Equatable {
  package let gate: GateName
  package let isOpen: Bool
  package let evidence: Evidence

  package init(_ gate: GateName, isOpen: Bool, _ evidence: Evidence) {
    self.gate = gate
    self.isOpen = isOpen
    self.evidence = evidence
  }
}

extension GateDecision: Codable {
  enum CodingKeys: String, CodingKey {
    case gate
    case isOpen = "open"
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    gate = try container.decode(GateName.self, forKey: .gate)
    isOpen = try container.decode(Bool.self, forKey: .isOpen)
    evidence = try Evidence(from: decoder)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(gate, forKey: .gate)
    try container.encode(isOpen, forKey: .isOpen)
    try evidence.encode(to: encoder)
  }
}

/// A gate as records and people call it.
package struct GateName: RawRepresentable, Sendable, Hashable, Codable {
  package let rawValue: String

  package init(rawValue: String) {
    self.rawValue = rawValue
  }

  package static let stability = GateName(rawValue: "stability")
  package static let necessity = GateName(rawValue: "necessity")
  package static let accuracy = GateName(rawValue: "accuracy")
  /// The least time between updates, and the wait after a rollback.
  package static let time = GateName(rawValue: "time")
}
