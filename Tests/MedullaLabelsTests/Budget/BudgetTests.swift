import MedullaBase
import Testing

@testable import MedullaLabels

@Suite("Budgets of agents")
struct BudgetTests {
  @Test("a bucket begins full, refills with time to its capacity, and not when the clock is set back")
  func refill() {
    var bucket = TokenBucket(rate: 2, capacity: 10)
    #expect(bucket.level(at: .seconds(100)) == 10)
    bucket.spend(8, at: .seconds(100))
    #expect(bucket.level(at: .seconds(101)) == 4)
    #expect(bucket.level(at: .seconds(1_000)) == 10)
    #expect(bucket.level(at: .seconds(50)) == 2)
    bucket.spend(1, at: .seconds(50))
    #expect(bucket.level(at: .seconds(51)) == 3)
  }

  /// Up to the rounding that a call may lack.
  static func isWait(_ answer: PurseAnswer, _ seconds: Double) -> Bool {
    if case .wait(let wait) = answer { abs(wait.inSeconds - seconds) < 1e-6 } else { false }
  }

  @Test("who may owe goes to the limit of debt and no further, and the debt is paid first")
  func debt() {
    var purse = AgentPurse(AgentBudget(calls: 100, period: .seconds(100), debt: 0.2))
    #expect(purse.grant(1_000, costEach: 0, at: .zero, mayOwe: false) == .granted(100))
    #expect(purse.grant(1_000, costEach: 0, at: .zero, mayOwe: true) == .granted(120))
    purse.spend(calls: 120, cost: 0, at: .zero)
    #expect(Self.isWait(purse.grant(1, costEach: 0, at: .zero, mayOwe: true), 1))
    guard case .wait(let wait) = purse.grant(1, costEach: 0, at: .zero, mayOwe: false) else {
      Issue.record("it grants what it does not have")
      return
    }
    #expect(abs(wait.inSeconds - 21) < 1e-6)
    #expect(purse.grant(5, costEach: 0, at: .seconds(22), mayOwe: false) == .granted(2))
  }

  @Test("the scarcest of calls, cost and rate decides")
  func scarcest() {
    let budget = AgentBudget(calls: 50, cost: 3, period: .seconds(60), rate: 10, burst: 20, debt: 0)
    var purse = AgentPurse(budget)
    #expect(purse.grant(100, costEach: 0, at: .zero, mayOwe: false) == .granted(20))
    #expect(purse.grant(100, costEach: 0.3, at: .zero, mayOwe: false) == .granted(10))
    purse.spend(calls: 20, cost: 0, at: .zero)
    #expect(Self.isWait(purse.grant(1, costEach: 0, at: .zero, mayOwe: true), 0.1))
    #expect(purse.grant(100, costEach: 0, at: .seconds(1), mayOwe: false) == .granted(10))
    #expect(purse.totalCalls == 20)
  }

  @Test("a call that is more than the budget ever has is never granted, and says so")
  func never() {
    let purse = AgentPurse(AgentBudget(cost: 1, period: .seconds(10), debt: 0.1))
    guard case .never = purse.grant(1, costEach: 2, at: .zero, mayOwe: true) else {
      Issue.record("it waits for what never comes")
      return
    }
    #expect(purse.grant(1, costEach: 1.05, at: .zero, mayOwe: true) == .granted(1))
  }

  @Test("whatever is asked and when, debt stays within its limit and no period spends more than it may")
  func bounded() {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed of budgets: \(seed)")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<50 {
      let budget = AgentBudget(
        calls: generator.uniform(5...200), cost: generator.uniform(1...50), period: .seconds(100),
        rate: generator.uniform(0.5...20), burst: generator.uniform(1...20), debt: generator.uniform(0...1))
      var purse = AgentPurse(budget)
      var now = Duration.seconds(1_000)
      let start = now
      var (calls, cost) = (0.0, 0.0)
      for _ in 0..<300 {
        now += .seconds(generator.exponential(mean: 1))
        let price = generator.uniform(0.01...1)
        let wanted = Int.random(in: 1...50, using: &generator)
        let answer = purse.grant(wanted, costEach: price, at: now, mayOwe: generator.chance(0.3))
        guard case .granted(let count) = answer else { continue }
        #expect(count <= wanted)
        purse.spend(calls: count, cost: Double(count) * price, at: now)
        calls += Double(count)
        cost += Double(count) * price
        // What came with time, and what may be saved up or owed once.
        let periods = (now - start).inSeconds / 100
        let (callLimit, costLimit) = (budget.calls ?? 0, budget.cost ?? 0)
        #expect(calls <= callLimit * (1 + budget.debt + periods) + 1e-6, "seed \(seed)")
        #expect(cost <= costLimit * (1 + budget.debt + periods) + 1e-6, "seed \(seed)")
        let left = purse.left(at: now)
        #expect(left.calls ?? 0 >= -callLimit * budget.debt - 1e-6, "seed \(seed)")
        #expect(left.cost ?? 0 >= -costLimit * budget.debt - 1e-6, "seed \(seed)")
      }
      #expect(Double(purse.totalCalls) == calls)
    }
  }

  @Test(
    "what a rewritten journal keeps of a purse is the same purse; a smaller budget cuts off what was saved")
  func kept() {
    let budget = AgentBudget(calls: 10, cost: 5, period: .seconds(10), rate: 1, burst: 3)
    var purse = AgentPurse(budget)
    purse.spend(calls: 3, cost: 0.7, at: .seconds(7))
    var again = AgentPurse(budget)
    again.restore(purse.kept)
    #expect(again == purse)
    var smaller = AgentPurse(AgentBudget(calls: 2, period: .seconds(10)))
    smaller.restore(purse.kept)
    #expect(smaller.left(at: .seconds(7)).calls == 2 && smaller.totalCalls == 3)
  }

  @Test(
    "a budget that cannot be is refused",
    arguments: [
      AgentBudget(calls: -1), AgentBudget(cost: .nan), AgentBudget(period: .zero), AgentBudget(rate: 0),
      AgentBudget(burst: 0), AgentBudget(debt: 2),
    ])
  func refused(budget: AgentBudget) {
    #expect(throws: LabelBookError.self) { try budget.check(of: "agent") }
  }

  @Test("an allowance of flows grows by its share, is saved to a limit and owed to another")
  func allowance() {
    var allowance = FlowAllowance(share: 0.1, savingLimit: 20, debtLimit: 5)
    #expect(allowance.available(mayOwe: false) == 0 && allowance.available(mayOwe: true) == 5)
    allowance.earn(30)
    #expect(allowance.available(mayOwe: false) == 3)
    allowance.spend(8)
    #expect(allowance.available(mayOwe: true) == 0)
    allowance.earn(1_000)
    #expect(allowance.available(mayOwe: false) == 20 && allowance.asked == 8)
  }
}
