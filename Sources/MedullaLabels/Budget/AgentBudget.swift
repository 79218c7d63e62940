import MedullaBase

/// What one agent may be asked and may cost.
package struct AgentBudget: Sendable, Equatable {
  /// Calls of a period; nil: as many as one wants. A call is one flow that the agent is asked about; of a
  /// service it is one request over HTTP.
  package var calls: Double?
  /// Cost of a period, in the unit of the agent's prices; nil: not limited.
  package var cost: Double?
  package var period: Duration
  /// Calls a second; nil: not limited.
  package var rate: Double?
  /// Calls that may come at once within the rate.
  package var burst: Double
  /// The share of a period's calls and cost that may be owed by who may owe, such as a burst after drift.
  package var debt: Double

  package init(
    calls: Double? = nil, cost: Double? = nil, period: Duration = .seconds(86_400), rate: Double? = nil,
    burst: Double = 1, debt: Double = 0.1
  ) {
    self.calls = calls
    self.cost = cost
    self.period = period
    self.rate = rate
    self.burst = burst
    self.debt = debt
  }

  /// - Throws: `LabelBookError` with `badSetting` that names the first one that cannot be.
  package func check(of agent: String) throws(LabelBookError) {
    func isAmount(_ value: Double?) -> Bool { value.map { $0.isFinite && $0 >= 0 && $0 <= 1e15 } ?? true }
    let wrong: String? =
      if !isAmount(calls) || !isAmount(cost) {
        "`calls` and `cost` are numbers of at least 0"
      } else if period < .seconds(1) || period > .seconds(366 * 86_400) {
        "`period` is a second to a year"
      } else if let rate, !(rate.isFinite && rate > 0) {
        "`rate` is above 0 calls a second"
      } else if !(burst.isFinite && burst >= 1) {
        "`burst` is at least one call"
      } else if !(debt >= 0 && debt <= 1) {
        "`debt` is a share of 0 to 1"
      } else {
        nil
      }
    if let wrong {
      throw LabelBookError(
        .badSetting, "the budget of the agent \(agent) cannot be kept", cause: wrong,
        remedy: "Correct it; without a budget an agent may be asked whatever flows there are.")
    }
  }
}
