/// How often agents are wrong, as their votes on the same flows show it: nobody needs to know a true label.
///
/// For each agent a matrix of P(it says v | the class is c); each row sums to 1.
package struct AgentErrors: Sendable, Equatable, Codable {
  package let classes: Int
  /// `[agent][class][vote]`
  package let confusion: [[[Double]]]
  /// How probable each class is before anybody has said anything.
  package let priors: [Double]
  /// Votes of each agent that it was estimated from.
  package let votes: [Double]

  package init(classes: Int, confusion: [[[Double]]], priors: [Double], votes: [Double]) {
    (self.classes, self.confusion, self.priors, self.votes) = (classes, confusion, priors, votes)
  }

  /// Agents of which nothing is known yet, taken to be right with the given probability.
  package static func assumed(agents: Int, classes: Int, accuracy: Double = 0.8) -> AgentErrors {
    let one = oneCoin(accuracy, classes: classes)
    return AgentErrors(
      classes: classes, confusion: Array(repeating: one, count: agents),
      priors: Array(repeating: 1 / Double(max(classes, 1)), count: classes),
      votes: Array(repeating: 0, count: agents))
  }

  /// The confusion of an agent that errs alike in all classes.
  static func oneCoin(_ accuracy: Double, classes: Int) -> [[Double]] {
    let wrong = (1 - accuracy) / Double(max(classes - 1, 1))
    return (0..<classes).map { own in (0..<classes).map { $0 == own ? accuracy : wrong } }
  }

  /// P(the agent is right), each class by its prior.
  package func accuracy(of agent: Int) -> Double {
    (0..<classes).reduce(0) { $0 + priors[$1] * confusion[agent][$1][$1] }
  }

  /// How much better than chance it tells classes apart: 1 always, 0 by chance, negative where it inverts
  /// (Youden, 1950; for several classes Powers, 2011: (K · mean recall − 1) / (K − 1)).
  package func informedness(of agent: Int) -> Double {
    guard classes > 1 else { return 0 }
    let recall = (0..<classes).reduce(0) { $0 + confusion[agent][$1][$1] } / Double(classes)
    return (Double(classes) * recall - 1) / Double(classes - 1)
  }

  /// Half of the 95% interval of the informedness, by the binomial deviation of each class's recall.
  package func informednessMargin(of agent: Int) -> Double {
    guard classes > 1 else { return 1 }
    let variance = (0..<classes).reduce(0.0) { sum, own in
      let recall = confusion[agent][own][own]
      // Two imagined votes of each outcome keep a recall of 1 of few votes uncertain (Agresti, Coull, 1998).
      let count = votes[agent] * priors[own] + 4
      let held = (recall * (count - 4) + 2) / count
      return sum + held * (1 - held) / count
    }
    return 1.96 * variance.squareRoot() / Double(classes - 1)
  }
}
