/// Open for some rounds once in an interval, the first time when one is over.
package struct ScheduleTrigger: Trigger {
  package let every: Duration
  package let rounds: Int
  /// When it last opened, at first when it was first asked.
  private var opened: Duration?
  private var left = 0

  package init(every: Duration, rounds: Int) {
    self.every = every
    self.rounds = max(rounds, 1)
  }

  package mutating func hear(_ news: TriggerNews, at now: Duration) {
    if news == .round { left = max(left - 1, 0) }
  }

  package mutating func decide(at now: Duration) -> TriggerDecision {
    let since = now - (opened ?? now)
    if opened == nil { opened = now }
    if left == 0, since >= every {
      opened = now
      left = rounds
    }
    return TriggerDecision(
      .schedule, isOpen: left > 0,
      Evidence(
        value: since.seconds, threshold: every.seconds, unit: .seconds, count: rounds - left,
        reason: left > 0 ? "it is time to learn" : "the last time to learn was too short a time ago"))
  }
}
