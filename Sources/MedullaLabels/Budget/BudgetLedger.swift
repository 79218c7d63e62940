/// The purses of all agents, by the agents' names. A value; the journal rebuilds it.
package struct BudgetLedger: Sendable, Equatable {
  package private(set) var purses: [String: AgentPurse]

  package init(_ budgets: [String: AgentBudget] = [:]) {
    purses = budgets.mapValues { AgentPurse($0) }
  }

  package func grant(
    _ agent: String, calls: Int, costEach: Double, at now: Duration, mayOwe: Bool
  ) -> PurseAnswer {
    (purses[agent] ?? AgentPurse()).grant(calls, costEach: costEach, at: now, mayOwe: mayOwe)
  }

  package mutating func spend(_ agent: String, calls: Int, cost: Double, at now: Duration) {
    purses[agent, default: AgentPurse()].spend(calls: calls, cost: cost, at: now)
  }

  mutating func restore(_ agent: String, _ kept: AgentPurse.Kept) {
    purses[agent, default: AgentPurse()].restore(kept)
  }
}
