import MedullaDatapath

/// Carries out what is wanted of the fast path; on whatever thread, one job at a time.
struct ActionCarrier {
  let fastPath: any FastPath
  private let hasShadow: Bool
  private let window: Duration
  private let journal: RunnerJournal

  enum Job: Sendable {
    /// Set right what a slow path that was killed has left.
    case clear
    case findChange
    case askVersion
    /// The number tells the answer from one to a question that was given up.
    case query([[Float]], number: UInt64)
    case stage(Candidate, shadowEvery: Int?)
    /// In place of a version and of no other; nil: of what is active then.
    case promote(over: UInt64?)
    case discard
    /// nil: from what is active then.
    case rollback(from: UInt64?)
  }

  enum Report: Sendable {
    case event(LoopEvent)
    case staged(version: UInt64, Candidate)
    /// The live snapshot's answers.
    case answered([[Float]], number: UInt64)
    /// There is nothing to tell.
    case done
  }

  init(_ fastPath: any FastPath, settings: FunctionSettings, journal: RunnerJournal) {
    self.fastPath = fastPath
    hasShadow = settings.shadow.every > 0
    window = settings.watch.window
    self.journal = journal
  }

  func perform(_ job: Job) -> Report {
    do {
      switch job {
      case .clear: try clear()
      case .findChange: if let change = try fastPath.lastChange() { return .event(found(change)) }
      case .askVersion: return .event(.active(version: try fastPath.activeVersion()))
      case .query(let inputs, let number): return .answered(try fastPath.query(inputs), number: number)
      case .stage(let candidate, let every): return try stage(candidate, shadowEvery: every)
      case .promote(let expected): return .event(try promote(over: expected))
      case .discard: return .event(try discard())
      case .rollback(let expected):
        let version = try fastPath.rollback(from: try expected ?? fastPath.activeVersion())
        return .event(.rolledBack(to: version))
      }
      return .done
    } catch {
      return .event(.failed(LoopFailure(step: job.step, message: "\(error)")))
    }
  }

  private func found(_ change: ActiveChange) -> LoopEvent {
    let time = Duration.nanoseconds(Int64(clamping: change.nanoseconds))
    return .found(change, rewards: RewardSide(journal.batches(time - window, time)))
  }

  /// Sets right what a slow path that was killed has left: a candidate that lies staged, perhaps inferring.
  func clear() throws {
    // A shadow that cannot be ended is no reason to leave what is staged.
    let ended = Result { try whereStaged { try fastPath.shadow(every: nil) } }
    try whereStaged { try fastPath.discard() }
    try ended.get()
  }

  /// That nothing is staged is as it should be.
  private func whereStaged(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as DatapathError where error.code == .nothingStaged {}
  }

  private func stage(_ candidate: Candidate, shadowEvery: Int?) throws -> Report {
    let version = try fastPath.stage(candidate)
    guard let shadowEvery else { return .staged(version: version, candidate) }
    do {
      try fastPath.shadow(every: shadowEvery)
    } catch {
      try? fastPath.discard()
      return .event(.failed(LoopFailure(step: .shadow, message: "\(error)")))
    }
    return .staged(version: version, candidate)
  }

  private func promote(over expected: UInt64?) throws -> LoopEvent {
    // Who has updated since the loop heard of it last must not be overwritten unseen.
    let active = try fastPath.activeVersion()
    guard expected == nil || active == expected else {
      throw AdaptationError(
        .fastPathFailed,
        "version \(active) is active, not \(expected ?? 0) that the candidate was held against")
    }
    let begin = ContinuousClock.now
    if hasShadow { try fastPath.shadow(every: nil) }
    try fastPath.promote()
    return .promoted(seconds: (ContinuousClock.now - begin).seconds)
  }

  private func discard() throws -> LoopEvent {
    if hasShadow { try whereStaged { try fastPath.shadow(every: nil) } }
    try whereStaged { try fastPath.discard() }
    return .discarded
  }
}

extension ActionCarrier.Job {
  /// As its failure is called.
  var step: LoopFailure.Step {
    switch self {
    case .clear, .discard: .discard
    case .findChange, .askVersion, .query: .query
    case .stage: .stage
    case .promote: .promote
    case .rollback: .rollback
    }
  }
}
