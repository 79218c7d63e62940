extension AdaptationLoop {
  /// How far a snapshot has come on its way, with what is known only there.
  package enum Phase: Sendable, Equatable {
    /// Waits for the gates to open.
    case learning
    /// Asks the kernel for the fidelity loss; what the gates have said of this try so far.
    case comparing(said: [GateDecision])
    /// Freezes and quantizes.
    case quantizing(said: [GateDecision], isForced: Bool)
    case staging(Candidate, isForced: Bool)
    /// The candidate infers beside the active snapshot.
    case shadowing(version: UInt64, ShadowTally, isForced: Bool)
    case promoting(version: UInt64, isForced: Bool)
    /// A promoted snapshot is on trial.
    case watching(version: UInt64)
    case rollingBack(Retreat)
  }

  /// A rollback that is under way.
  package struct Retreat: Sendable, Equatable {
    /// What was on trial; nil: nothing was.
    package let candidate: UInt64?
    /// Whether the watch or a person asked for it.
    package let isAutomatic: Bool
    /// Whether it is to show if the rewards recover.
    package var isProvisional = false
    /// Times that it has failed.
    package var failures = 0

    /// How often a failed rollback is tried again, once a batch.
    static let limit = 20
  }
}

extension AdaptationLoop.Phase {
  /// As reports call it.
  package var name: RunnerState.Phase {
    switch self {
    case .learning: .learning
    case .comparing: .comparing
    case .quantizing: .quantizing
    case .staging: .staging
    case .shadowing: .shadowing
    case .promoting: .promoting
    case .watching: .watching
    case .rollingBack: .rollingBack
    }
  }

  /// The version that is on its way; nil before it lies in a slot.
  package var candidate: UInt64? {
    switch self {
    case .learning, .comparing, .quantizing, .staging: nil
    case .shadowing(let version, _, _), .promoting(let version, _), .watching(let version): version
    case .rollingBack(let retreat): retreat.candidate
    }
  }
}
