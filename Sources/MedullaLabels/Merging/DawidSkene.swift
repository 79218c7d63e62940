#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Error rates of agents from their votes alone, by expectation and maximization (Dawid and Skene, 1979).
///
/// Sums of logarithms, so that many agents cannot make a product vanish. It begins at the majority's labels,
/// which settles whether the agents or their opposites are right: an agent that inverts gets an accuracy
/// below chance, and from then on says something by what it does not say.
package struct DawidSkene: Sendable, Equatable, Codable {
  package enum Model: String, Sendable, Codable, CaseIterable {
    /// One accuracy for each agent, its errors even over the other classes.
    case oneCoin
    /// A matrix for each agent, drawn towards its accuracy where votes are few: finds one that errs in one
    /// class alone.
    case fullConfusion
  }

  package var model: Model
  package var rounds = 60
  /// It ends when no probability moves by more.
  package var tolerance = 1e-5
  /// Imagined votes by which accuracies begin: so many, of which this share right.
  package var imagined = 4.0
  package var imaginedAccuracy = 0.7
  /// Imagined votes of each class that draw a matrix towards the agent's accuracy.
  package var drawn = 8.0
  /// By how much more the logarithm of the votes' probability has to be for the second fit to count.
  private static let leastAdvantage = 5.0

  package init(_ model: Model = .oneCoin) { self.model = model }

  /// - Parameter flows: the votes of each flow; of one agent only the first counts.
  package func estimate(_ flows: [[Vote]], agents: Int, classes: Int) -> AgentErrors {
    guard classes > 1, agents > 0, !flows.isEmpty else {
      return .assumed(agents: max(agents, 0), classes: max(classes, 1))
    }
    let majority = majority(flows, classes: classes)
    let coin = fit(flows, agents: agents, classes: classes, start: majority) {
      oneCoinStep($0, $1, agents: agents, classes: classes)
    }
    guard model == .fullConfusion else { return coin.errors }
    let fromCoin = fit(flows, agents: agents, classes: classes, start: coin.probabilities) {
      fullStep($0, $1, agents: agents, classes: classes, toward: coin.errors)
    }.errors
    // To one accuracy for each agent, who always says the commonest class is right and all others err; from
    // there the matrices do not find back. So they are also fitted from the majority's labels, and what
    // explains the votes better counts.
    let crowd = oneCoinStep(flows, majority, agents: agents, classes: classes)
    let fromMajority = fit(flows, agents: agents, classes: classes, start: majority) {
      fullStep($0, $1, agents: agents, classes: classes, toward: crowd)
    }.errors
    return Self.logLikelihood(flows, fromMajority) > Self.logLikelihood(flows, fromCoin) + Self.leastAdvantage
      ? fromMajority : fromCoin
  }

  /// How probable the votes are by these errors, as a sum of logarithms.
  static func logLikelihood(_ flows: [[Vote]], _ errors: AgentErrors) -> Double {
    flows.reduce(0) { sum, votes in
      let logs = logJoint(votes, errors)
      let top = logs.max() ?? 0
      return sum + top + log(logs.reduce(0) { $0 + exp($1 - top) })
    }
  }

  /// How probable each class is for one flow's votes, by Bayes; the prior's where nobody counts.
  ///
  /// - Parameter weights: by which each agent's votes count; 0: they do not.
  package static func posterior(
    _ votes: [Vote], _ errors: AgentErrors, weights: [Double]? = nil
  ) -> [Double] {
    let logs = logJoint(votes, errors, weights: weights)
    let top = logs.max() ?? 0
    let powers = logs.map { exp($0 - top) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  /// Of each class with the votes, the logarithm of the probability.
  private static func logJoint(
    _ votes: [Vote], _ errors: AgentErrors, weights: [Double]? = nil
  ) -> [Double] {
    var logs = errors.priors.map { log(max($0, 1e-12)) }
    for vote in votes where vote.label >= 0 && vote.label < errors.classes {
      guard errors.confusion.indices.contains(vote.agent) else { continue }
      let weight = (weights?[vote.agent] ?? 1) * vote.confidence
      for own in logs.indices {
        logs[own] += weight * log(max(errors.confusion[vote.agent][own][vote.label], 1e-12))
      }
    }
    return logs
  }

  private func majority(_ flows: [[Vote]], classes: Int) -> [[Double]] {
    flows.map { votes in
      var counts = [Double](repeating: 0.1, count: classes)
      for vote in votes { counts[vote.label] += vote.confidence }
      let sum = counts.reduce(0, +)
      return counts.map { $0 / sum }
    }
  }

  private func fit(
    _ flows: [[Vote]], agents: Int, classes: Int, start: [[Double]],
    _ maximize: ([[Vote]], [[Double]]) -> AgentErrors
  ) -> (errors: AgentErrors, probabilities: [[Double]]) {
    var probabilities = start
    var errors = maximize(flows, probabilities)
    for _ in 0..<rounds {
      let next = flows.map { Self.posterior($0, errors) }
      var moved = 0.0
      for (old, new) in zip(probabilities, next) {
        for (before, after) in zip(old, new) { moved = max(moved, abs(after - before)) }
      }
      probabilities = next
      errors = maximize(flows, probabilities)
      if moved < tolerance { break }
    }
    return (errors, probabilities)
  }

  private func priors(_ probabilities: [[Double]], classes: Int) -> [Double] {
    var sums = [Double](repeating: 1, count: classes)
    for own in probabilities { for index in sums.indices { sums[index] += own[index] } }
    let total = sums.reduce(0, +)
    return sums.map { $0 / total }
  }

  private func oneCoinStep(
    _ flows: [[Vote]], _ probabilities: [[Double]], agents: Int, classes: Int
  ) -> AgentErrors {
    var right = [Double](repeating: imagined * imaginedAccuracy, count: agents)
    var all = [Double](repeating: imagined, count: agents)
    for (votes, own) in zip(flows, probabilities) {
      for vote in votes {
        right[vote.agent] += own[vote.label]
        all[vote.agent] += 1
      }
    }
    return AgentErrors(
      classes: classes,
      confusion: zip(right, all).map { AgentErrors.oneCoin($0 / $1, classes: classes) },
      priors: priors(probabilities, classes: classes), votes: all.map { $0 - imagined })
  }

  private func fullStep(
    _ flows: [[Vote]], _ probabilities: [[Double]], agents: Int, classes: Int, toward coin: AgentErrors
  ) -> AgentErrors {
    var counts = coin.confusion.map { $0.map { $0.map { $0 * drawn } } }
    for (votes, own) in zip(flows, probabilities) {
      for vote in votes {
        for index in 0..<classes { counts[vote.agent][index][vote.label] += own[index] }
      }
    }
    let confusion = counts.map { matrix in
      matrix.map { row in
        let sum = row.reduce(0, +)
        return row.map { $0 / sum }
      }
    }
    return AgentErrors(
      classes: classes, confusion: confusion, priors: priors(probabilities, classes: classes),
      votes: coin.votes)
  }
}
