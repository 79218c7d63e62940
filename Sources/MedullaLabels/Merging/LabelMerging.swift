/// Labels of several agents become one for each flow: a vote in which each agent weighs what its errors,
/// estimated from the last votes, leave it.
///
/// A value without clock; bounded by `remembered` flows. Labels of agents that were not declared are
/// refused, so that a stranger cannot vote.
package struct LabelMerging: Sendable, Codable, Equatable {
  package struct Settings: Sendable, Codable, Equatable {
    package var estimator = DawidSkene(.fullConfusion)
    package var muting = Muting()
    /// Flows whose votes errors are estimated from: the last ones.
    package var remembered = 500
    /// Flows with votes of two agents after which errors are estimated anew.
    package var every = 25
    /// A class that is less probable is no label.
    package var leastProbability = 0.5
    /// Where agents differ, a label less probable than this is a conflict.
    package var clear = 0.9
    /// Of an agent of which nothing is known.
    package var assumedAccuracy = 0.8

    package init() {}
  }

  package let agents: [String]
  package let classes: Int
  package let settings: Settings
  package private(set) var errors: AgentErrors
  package private(set) var standings: [AgentStanding]
  private var flows: [[Vote]] = []
  private var sinceEstimate = 0

  /// - Parameter agents: their names, which are different.
  package init(agents: [String], classes: Int, settings: Settings = Settings()) {
    (self.agents, self.classes, self.settings) = (agents, classes, settings)
    errors = .assumed(agents: agents.count, classes: classes, accuracy: settings.assumedAccuracy)
    standings = Array(repeating: .trusted, count: agents.count)
  }

  /// By the agent's name; nil of a stranger.
  package func standing(of agent: String) -> AgentStanding? {
    agents.firstIndex(of: agent).map { standings[$0] }
  }

  /// How probable it is that the agent errs; nil of a stranger.
  package func errorRate(of agent: String) -> Double? {
    agents.firstIndex(of: agent).map { 1 - errors.accuracy(of: $0) }
  }

  /// Merges the labels of one flow, and learns from them how agents err.
  ///
  /// - Parameter labels: of one sample; of an agent's labels the last counts, abstentions and strangers do
  ///   not.
  package mutating func merge(sample: UInt64, _ labels: [Label]) -> MergedLabel {
    let votes = votes(labels)
    if !votes.isEmpty {
      flows.append(votes)
      if flows.count > settings.remembered { flows.removeFirst(flows.count - settings.remembered) }
      if votes.count > 1 { sinceEstimate += 1 }
      if sinceEstimate >= settings.every { estimate() }
    }
    return merged(sample: sample, votes, cost: labels.reduce(0) { $0 + $1.cost })
  }

  /// The label by what is known now; nothing is learned.
  package func merged(sample: UInt64, _ labels: [Label]) -> MergedLabel {
    merged(sample: sample, votes(labels), cost: labels.reduce(0) { $0 + $1.cost })
  }

  /// Estimates errors and standings from the votes that are remembered.
  package mutating func estimate() {
    sinceEstimate = 0
    let shared = flows.filter { $0.count > 1 }
    guard !shared.isEmpty else { return }
    errors = settings.estimator.estimate(shared, agents: agents.count, classes: classes)
    standings = standings.indices.map {
      settings.muting.standing(of: $0, errors, before: standings[$0])
    }
  }

  private func merged(sample: UInt64, _ votes: [Vote], cost: Double) -> MergedLabel {
    let counted = votes.filter { standings[$0.agent].counts }
    guard !counted.isEmpty else {
      return MergedLabel(
        sample: sample, label: nil, probabilities: errors.priors, isConflict: false, cost: cost, voters: 0)
    }
    let probabilities = DawidSkene.posterior(counted, errors)
    let best = probabilities.indices.reduce(0) { probabilities[$1] > probabilities[$0] ? $1 : $0 }
    let differs = Set(counted.map(\.label)).count > 1
    return MergedLabel(
      sample: sample, label: probabilities[best] > settings.leastProbability ? best : nil,
      probabilities: probabilities, isConflict: differs && probabilities[best] < settings.clear,
      cost: cost, voters: counted.count)
  }

  private func votes(_ labels: [Label]) -> [Vote] {
    var byAgent: [Int: Vote] = [:]
    for label in labels {
      guard let agent = agents.firstIndex(of: label.agent), let own = label.label, own >= 0, own < classes
      else { continue }
      byAgent[agent] = Vote(agent: agent, label: own, confidence: label.confidence)
    }
    return byAgent.sorted { $0.key < $1.key }.map(\.value)
  }
}
