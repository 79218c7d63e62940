import MedullaDatapath

/// What the adaptation loop hears of.
package enum LoopEvent: Sendable, Equatable {
  /// A batch has been drained: its rewards, and for each sample with a shadow answer the difference from the
  /// active one's as a part of the output's range.
  case drained(rewards: [RewardSample], shadowDifferences: [Double])
  case learned(RoundProgress)
  /// A round after which the adapter wants its network taken.
  case trained(RoundProgress)
  /// The fidelity loss of each sample, as a part of the output's range.
  case compared([Double])
  /// The candidate's integers lie ready.
  case quantized(Candidate)
  case staged(version: UInt64)
  case promoted(seconds: Double)
  case discarded
  /// With the version that is active now.
  case rolledBack(to: UInt64)
  /// At the start: the last change of what is active, which this loop has not made.
  /// `rewards`: of before it, as far as they were written down.
  case found(ActiveChange, rewards: RewardSide = RewardSide())
  /// What the fast path says is active.
  case active(version: UInt64)
  /// Someone detached the function and attached it anew: nothing of before is there.
  case attachedAnew
  case failed(LoopFailure)
  case command(RunnerCommand)
}

/// What the adaptation loop wants done. Each but `keep` and `record` is answered by an event.
package enum LoopAction: Sendable, Equatable {
  /// Query the live slot and evaluate the adapter over the last inputs: `compared`.
  case compare
  /// Freeze, quantize, report: `quantized`.
  case quantize
  /// Write the candidate into a standby slot, and let it infer beside the active one on every n-th decision
  /// when `shadowEvery` is given: `staged`.
  case stage(Candidate, shadowEvery: Int?)
  case promote
  /// Ends the shadow and gives the staged candidate up: `discarded`.
  case discard
  /// From the version that the loop knows as active, and from no other: `rolledBack`.
  case rollback
  /// Put by what lies in a slot now, with the network behind it, so that a later slow path can go on from it.
  case keep(Candidate, version: UInt64)
  case record(LoopRecord)
}

extension LoopAction {
  /// As its failure is called.
  var step: LoopFailure.Step {
    switch self {
    case .compare: .query
    case .quantize: .quantize
    case .stage, .keep: .stage
    case .promote: .promote
    case .discard: .discard
    case .rollback: .rollback
    case .record: .drain
    }
  }
}
