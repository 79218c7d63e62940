import Logging

/// What a function's loop is given by the daemon around it.
struct LoopContext: Sendable {
  let history: HistoryStore
  let snapshots: SnapshotKeeper
  /// Of the configuration.
  let directory: String
  let log: Logger
}
