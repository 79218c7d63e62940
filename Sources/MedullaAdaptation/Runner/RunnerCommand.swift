/// What a person may tell a function's slow path.
package enum RunnerCommand: String, Sendable, Equatable, Codable, CaseIterable {
  /// Drains and counts, but neither learns nor updates.
  case pause
  case resume
  /// Makes a snapshot of the network as it stands and promotes it without asking the stability and necessity
  /// gates; accuracy, shadow and watch still hold.
  case promote
  /// Goes back to the snapshot before the last promotion.
  case rollback
}
