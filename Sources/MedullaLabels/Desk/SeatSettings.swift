import MedullaBase

/// How one agent is asked.
package struct SeatSettings: Sendable, Equatable {
  /// Flows that wait; what does not fit is dropped and counted.
  package var queue: Int
  /// Flows of one call.
  package var batch: Int
  /// How long a flow waits to be asked about.
  package var patience: Duration
  /// Of one call. An agent in this process cannot be ended: it is said to be overdue, and nothing waits for
  /// it.
  package var deadline: Duration
  /// What asking about one flow costs.
  package var price: Double
  package var firstWait: Duration
  package var longestWait: Duration

  package init(
    queue: Int = 1_024, batch: Int = 64, patience: Duration = .seconds(60), deadline: Duration = .seconds(10),
    price: Double = 0, firstWait: Duration = .seconds(1), longestWait: Duration = .seconds(60)
  ) {
    self.queue = queue
    self.batch = batch
    self.patience = patience
    self.deadline = deadline
    self.price = price
    self.firstWait = firstWait
    self.longestWait = longestWait
  }

  package func check(of agent: String) throws(LabelBookError) {
    let times = [patience, deadline, firstWait, longestWait]
    guard (1...1 << 20).contains(queue), (1...1 << 16).contains(batch), price.isFinite, price >= 0,
      times.allSatisfy({ $0 > .zero && $0 <= .seconds(86_400) })
    else {
      throw LabelBookError(
        .badSetting, "the agent \(agent) cannot be asked with these settings: \(self)",
        remedy: "Queue and batch are at least 1, the price at least 0, times above 0 and at most a day.")
    }
  }
}
