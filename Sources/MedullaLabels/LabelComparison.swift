/// What agents have said of the same flows: how much of them, what, and how often they agree with each
/// other and with the network.
package struct LabelComparison: Sendable, Equatable, Encodable {
  package struct ClassCount: Sendable, Equatable, Encodable {
    package let label: String
    package let flows: Int
  }

  /// Of two who both have said something.
  package struct Agreement: Sendable, Equatable, Encodable {
    package let both: Int
    package let agreed: Int

    /// nil: there is no flow that both have said something of.
    package var share: Double? { both == 0 ? nil : Double(agreed) / Double(both) }

    enum CodingKeys: String, CodingKey { case both, agreed, share }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(both, forKey: .both)
      try container.encode(agreed, forKey: .agreed)
      try container.encode(share, forKey: .share)
    }
  }

  package struct Agent: Sendable, Equatable, Encodable {
    package let name: String
    package let labelled: Int
    package let abstained: Int
    /// Of all flows, those that it has labelled.
    package let coverage: Double
    /// Every class, also those that it has not given.
    package let classes: [ClassCount]
    /// With the network, where that was sure.
    package let network: Agreement
  }

  package struct Pair: Sendable, Equatable, Encodable {
    package let agents: [String]
    package let agreement: Agreement
  }

  /// That were asked about.
  package let flows: Int
  /// Of them, those that the network was sure of.
  package let decided: Int
  package let agents: [Agent]
  package let pairs: [Pair]

  /// - Parameters:
  ///   - network: what it says of each sample; nil: it is unsure.
  ///   - labels: of any agent and any sample; of two of one agent for one sample the later counts.
  ///   - agents: in the order in which they are told of, also those that said nothing.
  package init(classes: [String], network: [UInt64: Int?], labels: [Label], agents names: [String]) {
    var said: [String: [UInt64: Int]] = [:]
    for label in labels where network[label.sample] != nil {
      said[label.agent, default: [:]][label.sample] = label.label
    }
    let sure = network.compactMapValues { $0 }
    func agreement(_ one: [UInt64: Int], _ other: [UInt64: Int]) -> Agreement {
      let both = one.filter { other[$0.key] != nil }
      return Agreement(both: both.count, agreed: both.count { other[$0.key] == $0.value })
    }
    flows = network.count
    decided = sure.count
    agents = names.map { name in
      let own = said[name] ?? [:]
      return Agent(
        name: name, labelled: own.count, abstained: network.count - own.count,
        coverage: network.isEmpty ? 0 : Double(own.count) / Double(network.count),
        classes: classes.enumerated().map { place, label in
          ClassCount(label: label, flows: own.values.count { $0 == place })
        },
        network: agreement(own, sure))
    }
    pairs = names.indices.flatMap { first in
      names.indices.dropFirst(first + 1).map { second in
        let (one, other) = (names[first], names[second])
        return Pair(agents: [one, other], agreement: agreement(said[one] ?? [:], said[other] ?? [:]))
      }
    }
  }
}
