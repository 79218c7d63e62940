import MedullaDatapath

/// What the soak left behind when its flows were complete and the daemon was stopped.
public struct SoakEnding: Codable, Equatable, Sendable {
  /// Candidates that still lie staged, and that still infer beside the active snapshot.
  public var staged: Int
  public var shadowed: Int
  public var rollouts: SoakRollouts

  public init(staged: Int, shadowed: Int, rollouts: SoakRollouts) {
    self.staged = staged
    self.shadowed = shadowed
    self.rollouts = rollouts
  }

  init(_ status: CongestionStatus, rollouts: SoakRollouts) {
    self.init(
      staged: status.staged == nil ? 0 : 1, shadowed: (status.shadow?.every ?? 0) > 0 ? 1 : 0,
      rollouts: rollouts)
  }
}
