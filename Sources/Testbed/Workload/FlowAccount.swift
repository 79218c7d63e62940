/// What became of a workload's items: flows, bursts of a flow, or requests of a connection.
package struct FlowCounts: Equatable, Sendable {
  package var begun = 0
  /// Connections that stood, where each item has one of its own.
  package var connected = 0
  /// Of which the receiver has every byte.
  package var completed = 0
  /// That were given up, or whose connection ended.
  package var broken = 0
  /// That were due and left out, because too many were under way.
  package var skipped = 0
  /// Connections that ended before their time.
  package var brokenConnections = 0
  /// What went wrong, each kind once with its number.
  package var reasons: [String: Int] = [:]

  /// Those that are still under way, or were when the workload stopped.
  package var unfinished: Int { begun - completed - broken }
}

/// News of a workload's items.
enum FlowEvent<Item: Equatable & Sendable>: Equatable, Sendable {
  case begun
  case connected
  case skipped
  case completed(Item)
  /// A connection that ended, with so many items under way.
  case broken(String, open: Int)
}

/// The counts of a workload, and what completed.
struct FlowAccount<Item: Equatable & Sendable>: Sendable {
  var counts = FlowCounts()
  /// In the order of their completion.
  private(set) var completed: [Item] = []
  /// Most items that are kept.
  let limit: Int

  init(limit: Int) { self.limit = limit }

  mutating func take(_ event: FlowEvent<Item>) {
    switch event {
    case .begun: counts.begun += 1
    case .connected: counts.connected += 1
    case .skipped: counts.skipped += 1
    case .completed(let item):
      counts.completed += 1
      if completed.count < limit { completed.append(item) }
    case .broken(let reason, let open):
      counts.broken += open
      counts.brokenConnections += 1
      counts.reasons[reason, default: 0] += 1
    }
  }
}
