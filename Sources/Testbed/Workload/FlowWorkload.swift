/// A workload that runs: what all workloads have in common, whatever their flows do.
package class FlowWorkload<Item: Equatable & Sendable>: @unchecked Sendable {
  private let loop: FlowLoop<Item>

  /// Starts at once.
  ///
  /// - Parameter limit: most completed items that are kept.
  init(_ name: String, _ ends: some FlowEnds<Item>, keeping limit: Int) {
    loop = FlowLoop(name, ends, FlowAccount(limit: limit))
  }

  deinit { loop.stop() }

  package func read() -> FlowCounts { loop.account.counts }

  /// What is complete, in its order, as far as it is kept.
  package func completed() -> [Item] { loop.account.completed }

  /// Begins nothing more and waits for what is under way, at most for `limit`; then stops.
  package func finish(within limit: Duration) throws -> FlowCounts {
    try loop.finish(within: limit)
    return read()
  }

  /// Ends all flows; what is under way is given up. Safe to call twice.
  package func stop() { loop.stop() }
}
