/// What a tuned network must pass before it becomes a snapshot. Gates stand in a list; the loop puts each
/// question to all of them, and goes on when all that answer are open.
package protocol Gate: Sendable {
  var name: GateName { get }

  /// nil: the question is for other gates.
  mutating func answer(_ question: GateQuestion, at now: Duration) -> GateDecision?

  /// Hears what became of the updates that it let through.
  mutating func hear(_ news: GateNews)
}

extension Gate {
  package mutating func hear(_ news: GateNews) {}
}

/// What gates are asked on an update's way, in this order.
package enum GateQuestion: Sendable {
  /// A round of learning is over, whatever the loop is at: has the adapter's value settled?
  case round(stability: Double)
  /// May an update be tried now?
  ///
  /// - hasBaseline: whether the watch knows rewards that it could hold a new snapshot against.
  case update(UpdateSpacing, hasBaseline: Bool)
  /// Is there something to gain?
  ///
  /// - losses: the fidelity loss of each sample as a part of the output's range (`FidelityLoss.relative`).
  case fidelity(losses: [Double])
  /// Is the snapshot good enough to act?
  case candidate(Candidate)
}

package enum GateNews: Sendable, Equatable {
  /// A candidate became active.
  case promoted
  /// Another network than the adapter's own is active: a snapshot was taken back, or all was attached anew.
  case replaced
}

/// The gates of one loop, and what each said last.
package struct GateList: Sendable {
  private var gates: [any Gate]
  private var words: [GateName: GateDecision] = [:]
  /// Whether each was open when it was last written down.
  private var told: [GateName: Bool] = [:]

  package init(_ gates: [any Gate]) {
    self.gates = gates
  }

  /// Those of the settings.
  package init(_ settings: GateSettings) {
    self.init([
      StabilityGate(settings.stability), NecessityGate(settings.necessity), AccuracyGate(settings.accuracy),
      TimeGate(),
    ])
  }

  /// The last word of each gate that has been asked, in the list's order.
  package var decisions: [GateDecision] { gates.compactMap { words[$0.name] } }

  package subscript(_ name: GateName) -> GateDecision? { words[name] }

  /// The words of the gates that the question is for.
  mutating func ask(_ question: GateQuestion, at now: Duration) -> [GateDecision] {
    var said: [GateDecision] = []
    for index in gates.indices {
      guard let decision = gates[index].answer(question, at: now) else { continue }
      words[decision.gate] = decision
      said.append(decision)
    }
    return said
  }

  mutating func hear(_ news: GateNews) {
    for index in gates.indices { gates[index].hear(news) }
  }

  /// Whether one of them says something else than when it was last written down; now they are.
  mutating func areNews(_ said: [GateDecision]) -> Bool {
    let areNews = said.contains { told[$0.gate] != $0.isOpen }
    for decision in said { told[decision.gate] = decision.isOpen }
    return areNews
  }

  /// All words are written down, as before an update.
  mutating func noteTold() { told = words.mapValues(\.isOpen) }
}
