import Logging

/// What a function's loop is given by the daemon around it.
struct LoopContext: Sendable {
  let history: HistoryStore
  let snapshots: SnapshotKeeper
  /// Of the configuration.
  let directory: String
  /// Where the daemon keeps what outlives it.
  let state: String
  let log: Logger
}
