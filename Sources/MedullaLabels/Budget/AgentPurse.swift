/// What one agent has left, and what it has cost so far. A value.
package struct AgentPurse: Sendable, Equatable {
  package let budget: AgentBudget
  private var calls: TokenBucket?
  private var cost: TokenBucket?
  private var rate: TokenBucket?
  /// Since the journal began.
  package private(set) var totalCalls = 0
  package private(set) var totalCost = 0.0

  package init(_ budget: AgentBudget = AgentBudget()) {
    self.budget = budget
    func bucket(_ amount: Double?) -> TokenBucket? {
      amount.map {
        TokenBucket(
          rate: $0 / budget.period.inSeconds, capacity: $0, debtLimit: $0 * budget.debt)
      }
    }
    calls = bucket(budget.calls)
    cost = bucket(budget.cost)
    rate = budget.rate.map { TokenBucket(rate: $0, capacity: budget.burst) }
  }

  /// How many of `wanted` calls may be made at `now`, each at `costEach`; it spends nothing.
  package func grant(_ wanted: Int, costEach: Double, at now: Duration, mayOwe: Bool) -> PurseAnswer {
    // No call may lead below the limit of debt; a rate knows no debt.
    var allowed = Double(max(wanted, 0))
    if let calls { allowed = min(allowed, calls.available(at: now, mayOwe: mayOwe)) }
    if let rate { allowed = min(allowed, rate.available(at: now, mayOwe: false)) }
    if let cost, costEach > 0 {
      allowed = min(allowed, cost.available(at: now, mayOwe: mayOwe) / costEach)
    }
    // A quotient such as 0.3 / 0.1 lies below its whole number by a rounding.
    let whole = Int(max(0, (allowed + Self.rounding).rounded(.down)))
    if whole > 0 || wanted <= 0 { return .granted(whole) }
    let waits = [
      calls?.wait(for: 1 - Self.rounding, at: now, mayOwe: mayOwe),
      rate?.wait(for: 1 - Self.rounding, at: now, mayOwe: false),
      costEach > 0 ? cost?.wait(for: costEach * (1 - Self.rounding), at: now, mayOwe: mayOwe) : .some(.zero),
    ]
    let limited = [calls != nil, rate != nil, cost != nil]
    var longest = Duration.milliseconds(1)
    for (wait, isLimited) in zip(waits, limited) where isLimited {
      guard let wait else {
        return .never("one call is more than a period's budget and what may be owed")
      }
      longest = max(longest, wait)
    }
    return .wait(longest)
  }

  /// Takes what was spent.
  package mutating func spend(calls count: Int, cost amount: Double, at now: Duration) {
    calls?.spend(Double(count), at: now)
    rate?.spend(Double(count), at: now)
    cost?.spend(amount, at: now)
    totalCalls += count
    totalCost += amount
  }

  /// What may still be spent without owing; nil: not limited.
  package func left(at now: Duration) -> (calls: Double?, cost: Double?) {
    (calls?.level(at: now), cost?.level(at: now))
  }

  private static let rounding = 1e-9
}

// What a rewritten journal keeps of it.
extension AgentPurse {
  package struct Kept: Sendable, Equatable, Codable {
    let calls: TokenBucket.Level?
    let cost: TokenBucket.Level?
    let rate: TokenBucket.Level?
    let totalCalls: Int
    let totalCost: Double
  }

  package var kept: Kept {
    Kept(
      calls: calls?.kept, cost: cost?.kept, rate: rate?.kept, totalCalls: totalCalls, totalCost: totalCost)
  }

  package mutating func restore(_ kept: Kept) {
    if let level = kept.calls { calls?.restore(level) }
    if let level = kept.cost { cost?.restore(level) }
    if let level = kept.rate { rate?.restore(level) }
    totalCalls = kept.totalCalls
    totalCost = kept.totalCost
  }
}
