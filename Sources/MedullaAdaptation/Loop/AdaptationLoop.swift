import MedullaDatapath

/// The slow path's decisions: when a tuned network becomes a snapshot, and whether it stays one.
///
///     learning ▶ comparing ▶ quantizing ▶ staging ▶ (shadowing) ▶ promoting ▶ watching ▶ learning
///
/// A value: events come in with their time, actions go out. No clock, thread or kernel is inside. What an
/// event means in a phase stands in `AdaptationLoop+Table.swift`, every pair of them. A failure in any phase
/// is recorded and leads back to learning; the fast path goes on with what it has.
package struct AdaptationLoop: Sendable {
  let shadowSettings: ShadowSettings
  let watches: Bool
  /// Whether the adapter says when its network is to be taken.
  let adapterDecides: Bool
  /// How often it has said so, and how often when what runs was made.
  private var wanted: UInt64 = 0
  private var taken: UInt64 = 0
  /// The same when the candidate that is under way was ordered.
  private var ordered: UInt64 = 0
  package internal(set) var phase = Phase.learning
  package internal(set) var isPaused = false
  /// What someone else has put in place, which nothing replaces until a person says so; nil: nothing.
  package internal(set) var pinned: UInt64?
  /// Whether the first version that is heard of is someone else's.
  private var isForeign: Bool
  package internal(set) var activeVersion: UInt64?
  package internal(set) var promotions: UInt64 = 0
  package internal(set) var rollbacks: UInt64 = 0
  package internal(set) var gates: GateList
  package internal(set) var spacing: UpdateSpacing
  var watch: RolloutWatch

  /// - Parameters:
  ///   - unit: of the rewards that promoted snapshots are watched by; nil: the function has none.
  ///   - gates: nil: those of the settings.
  ///   - isForeign: whether what is active is someone else's.
  ///   - adapterDecides: whether updates are made when the adapter says so, and only then.
  package init(
    settings: FunctionSettings, unit: RandomizationUnit? = .flow, gates: GateList? = nil,
    isForeign: Bool = false, adapterDecides: Bool = false
  ) {
    self.isForeign = isForeign
    self.adapterDecides = adapterDecides
    shadowSettings = settings.shadow
    watches = unit != nil && settings.watch.window > .zero
    self.gates = gates ?? GateList(settings.gates)
    spacing = UpdateSpacing(
      interval: settings.gates.updateInterval, backOff: settings.watch.backOff,
      backOffLimit: settings.watch.backOffLimit)
    watch = RolloutWatch(settings.watch, unit: unit ?? .flow)
  }

  /// The version that is on its way or on trial.
  package var candidateVersion: UInt64? { phase.candidate }
}

// Gates.
extension AdaptationLoop {
  /// A round of learning, whatever the loop is at.
  mutating func note(_ progress: RoundProgress, _ now: Duration) -> [LoopAction] {
    _ = gates.ask(.round(stability: progress.stability), at: now)
    return [.record(.progress(progress))]
  }

  /// A round of learning that may lead to an update.
  mutating func tryUpdate(_ progress: RoundProgress, _ now: Duration) -> [LoopAction] {
    guard !isPaused, pinned == nil else { return note(progress, now) }
    guard !adapterDecides else { return note(progress, now) + takeOwed(now) }
    var said = gates.ask(.round(stability: progress.stability), at: now)
    let hasBaseline = !watches || watch.hasBaseline(at: now)
    said += gates.ask(.update(spacing, hasBaseline: hasBaseline), at: now)
    let actions: [LoopAction] = [.record(.progress(progress))] + words(said)
    guard said.allSatisfy(\.isOpen) else { return actions }
    phase = .comparing(said: said)
    return actions + [.compare]
  }

  /// The adapter wants its network taken, and has examined it: only time and the integers' accuracy are
  /// asked.
  mutating func tryTrained(_ progress: RoundProgress, _ now: Duration) -> [LoopAction] {
    let actions = noteTrained(progress, now)
    guard !isPaused, pinned == nil else { return actions }
    return actions + takeOwed(now)
  }

  /// The same while the loop is at another candidate, which goes first.
  mutating func noteTrained(_ progress: RoundProgress, _ now: Duration) -> [LoopAction] {
    wanted += 1
    return note(progress, now)
  }

  /// What the adapter wants stays owed until it runs, whatever a try has come to.
  private mutating func takeOwed(_ now: Duration) -> [LoopAction] {
    guard wanted > taken else { return [] }
    // Labels have told already that it is better; where few come, there may never be a baseline.
    let said = gates.ask(.update(spacing, hasBaseline: true), at: now)
    guard said.allSatisfy(\.isOpen) else { return words(said) }
    ordered = wanted
    phase = .quantizing(said: said, isForced: false)
    return [.quantize]
  }

  mutating func compared(
    _ losses: [Double], said: [GateDecision], _ now: Duration
  ) -> [LoopAction] {
    let decisions = gates.ask(.fidelity(losses: losses), at: now)
    guard decisions.allSatisfy(\.isOpen) else {
      phase = .learning
      return words(decisions)
    }
    phase = .quantizing(said: said + decisions, isForced: false)
    return words(decisions) + [.quantize]
  }

  mutating func quantized(
    _ candidate: Candidate, said: [GateDecision], isForced: Bool, _ now: Duration
  ) -> [LoopAction] {
    let decisions = gates.ask(.candidate(candidate), at: now)
    gates.noteTold()
    let record = LoopAction.record(.gates(said + decisions))
    guard decisions.allSatisfy(\.isOpen) else {
      giveUp(now)
      return [record]
    }
    phase = .staging(candidate, isForced: isForced)
    let isShadowed = shadowSettings.every > 0 && candidate.matchesShape
    return [record, .stage(candidate, shadowEvery: isShadowed ? shadowSettings.every : nil)]
  }

  /// A record of the gates when one of them says something else than the last time.
  private mutating func words(_ said: [GateDecision]) -> [LoopAction] {
    gates.areNews(said) ? [.record(.gates(said))] : []
  }
}

// Rollout.
extension AdaptationLoop {
  mutating func staged(
    _ version: UInt64, _ candidate: Candidate, isForced: Bool, _ now: Duration
  ) -> [LoopAction] {
    let actions: [LoopAction] = [
      .keep(candidate, version: version), .record(.staged(StagedCandidate(version: version, candidate))),
    ]
    guard shadowSettings.every > 0 else {
      phase = .promoting(version: version, isForced: isForced)
      return actions + [.promote]
    }
    guard candidate.matchesShape else {
      phase = .promoting(version: version, isForced: isForced)
      return actions + [.record(.shadow(.skipped(version, shadowSettings))), .promote]
    }
    phase = .shadowing(version: version, ShadowTally(start: now), isForced: isForced)
    return actions
  }

  mutating func judgeShadow(
    _ version: UInt64, _ tally: ShadowTally, isForced: Bool, _ now: Duration
  ) -> [LoopAction] {
    let isLate = now >= tally.start + shadowSettings.limit
    guard tally.count >= shadowSettings.decisions || isLate else {
      phase = .shadowing(version: version, tally, isForced: isForced)
      return []
    }
    let result = tally.result(version, shadowSettings)
    guard result.passed else {
      giveUp(now)
      return [.record(.shadow(result)), .discard]
    }
    phase = .promoting(version: version, isForced: isForced)
    return [.record(.shadow(result)), .promote]
  }

  mutating func promoted(
    _ version: UInt64, seconds: Double, isForced: Bool, _ now: Duration
  ) -> [LoopAction] {
    promotions += 1
    taken = max(taken, ordered)
    let record = PromotionRecord(
      version: version, before: activeVersion, isForced: isForced, seconds: seconds)
    activeVersion = version
    gates.hear(.promoted)
    spacing.noteTry(at: now)
    if watches {
      phase = .watching(version: version)
      watch.begin(version: version, at: now)
    } else {
      phase = .learning
    }
    return [.record(.promotion(record))]
  }

  /// A snapshot that no flow had used in its time is watched once one has.
  mutating func wake(_ now: Duration) -> [LoopAction] {
    guard let version = watch.wake() else { return [] }
    phase = .watching(version: version)
    return judge(version, now)
  }

  mutating func judge(_ version: UInt64, _ now: Duration) -> [LoopAction] {
    let isTakenBack = watch.isTakenBack
    guard let verdict = watch.check(at: now) else { return [] }
    let record = LoopAction.record(.verdict(verdict))
    switch verdict.outcome {
    case .worse where !isTakenBack, .fell:
      let isProvisional = verdict.outcome == .fell
      phase = .rollingBack(
        Retreat(candidate: version, isAutomatic: true, isProvisional: isProvisional))
      return [record, .rollback]
    case .worse, .undecided, .abandoned:
      if isTakenBack { _ = spacing.noteRollback(at: now) }
    case .accepted: spacing.noteSuccess()
    // The next candidate is held against the network as it has become.
    case .acquitted: spacing.noteTry(at: now)
    }
    phase = .learning
    return [record]
  }

  mutating func rolledBack(to version: UInt64, _ retreat: Retreat, _ now: Duration) -> [LoopAction] {
    guard retreat.isProvisional, let candidate = retreat.candidate else {
      phase = .learning
      return [noteRollback(to: version, isAutomatic: retreat.isAutomatic, now)]
    }
    rollbacks += 1
    watch.takeBack(at: now)
    phase = .watching(version: candidate)
    let record = RollbackRecord(
      from: activeVersion ?? candidate, to: version, isAutomatic: true, backOffSeconds: 0,
      isProvisional: true)
    activeVersion = version
    gates.hear(.replaced)
    return [.record(.rollback(record))]
  }

  mutating func rollbackFailed(
    _ retreat: Retreat, _ failure: LoopFailure, _ now: Duration
  ) -> [LoopAction] {
    var retreat = retreat
    retreat.failures += 1
    phase = .rollingBack(retreat)
    if retreat.failures > Retreat.limit {
      _ = spacing.noteRollback(at: now)
      _ = watch.abandon(at: now)
      phase = .learning
    }
    return [.record(.failure(failure))]
  }

  private mutating func noteRollback(to version: UInt64, isAutomatic: Bool, _ now: Duration) -> LoopAction {
    rollbacks += 1
    let wait = spacing.noteRollback(at: now)
    let record = RollbackRecord(
      from: activeVersion ?? 0, to: version, isAutomatic: isAutomatic, backOffSeconds: wait.seconds)
    activeVersion = version
    gates.hear(.replaced)
    return .record(.rollback(record))
  }

  /// The candidate goes; the next may be tried after the least time between updates.
  mutating func giveUp(_ now: Duration) {
    spacing.noteTry(at: now)
    phase = .learning
  }

  mutating func giveUp(for failure: LoopFailure, _ now: Duration) -> [LoopAction] {
    giveUp(now)
    return [.record(.failure(failure))]
  }
}

// What others do.
extension AdaptationLoop {
  /// Someone else may have updated or rolled back: then there is nothing left to watch. What they updated to
  /// stays until a person lets it go. Whoever went back to
  /// an older version did not want what this loop had made: it waits as after a rollback of its own.
  mutating func active(_ version: UInt64, _ now: Duration) -> [LoopAction] {
    guard let before = activeVersion, before != version else {
      activeVersion = version
      guard isForeign else { return [] }
      isForeign = false
      return [pin(version, before: nil)]
    }
    var actions: [LoopAction] = []
    if let verdict = watch.abandon(at: now) { actions.append(.record(.verdict(verdict))) }
    if case .shadowing = phase { actions.append(.discard) }
    // A candidate of the old lineage has nothing to do beside a network that it does not come from.
    phase = .learning
    actions.append(
      version < before
        ? noteRollback(to: version, isAutomatic: false, now) : pin(version, before: before))
    activeVersion = version
    return actions
  }

  private mutating func pin(_ version: UInt64, before: UInt64?) -> LoopAction {
    pinned = version
    gates.hear(.replaced)
    return .record(.pin(PinRecord(version: version, before: before)))
  }

  /// What runs may be on trial still, by a slow path that was killed or stopped. Of the rewards of
  /// before there is what was written down; without it, it is compared only with flows that have kept the
  /// version before it.
  mutating func found(_ change: ActiveChange, _ rewards: RewardSide, _ now: Duration) -> [LoopAction] {
    let time = Duration.nanoseconds(Int64(clamping: change.nanoseconds))
    guard activeVersion == nil, time <= now else { return [] }
    activeVersion = change.version
    guard change.version > change.before else {
      _ = spacing.noteRollback(at: time)
      return []
    }
    let isOnTrial = watches && now < time + watch.settings.window
    spacing.noteTry(at: isOnTrial ? now : time)
    guard isOnTrial else { return [] }
    phase = .watching(version: change.version)
    watch.takeOver(version: change.version, at: time, rewards: rewards)
    return []
  }

  /// Versions begin at 1 again, so the rewards of before are another snapshot's.
  mutating func attachedAnew(_ now: Duration) -> [LoopAction] {
    let verdict = watch.abandon(at: now)
    watch = RolloutWatch(watch.settings, unit: watch.unit)
    gates.hear(.replaced)
    giveUp(now)
    activeVersion = nil
    pinned = nil
    return verdict.map { [.record(.verdict($0))] } ?? []
  }
}

// What people say.
extension AdaptationLoop {
  mutating func pause() -> [LoopAction] {
    isPaused = true
    return [.record(.command(.pause))]
  }

  /// An update that is under way goes no further; what has been ordered for it is undone when it comes.
  mutating func pauseUpdate(_ now: Duration) -> [LoopAction] {
    var actions = pause()
    if case .shadowing = phase { actions.append(.discard) }
    giveUp(now)
    return actions
  }

  mutating func resume() -> [LoopAction] {
    (isPaused, pinned) = (false, nil)
    return [.record(.command(.resume))]
  }

  mutating func force() -> [LoopAction] {
    guard !isPaused else { return refuse(.promote, "it is paused: `medulla resume` comes first") }
    pinned = nil
    ordered = wanted
    phase = .quantizing(said: [], isForced: true)
    return [.record(.command(.promote)), .quantize]
  }

  mutating func forceShadowed(_ version: UInt64) -> [LoopAction] {
    guard !isPaused else { return refuse(.promote, "it is paused: `medulla resume` comes first") }
    phase = .promoting(version: version, isForced: true)
    return [.record(.command(.promote)), .promote]
  }

  mutating func retreat(from candidate: UInt64?, _ now: Duration) -> [LoopAction] {
    let isTakenBack = watch.isTakenBack
    _ = watch.abandon(at: now)
    guard !isTakenBack else {
      // It is done already; what the rewards would have said no longer counts.
      _ = spacing.noteRollback(at: now)
      phase = .learning
      return [.record(.command(.rollback))]
    }
    phase = .rollingBack(Retreat(candidate: candidate, isAutomatic: false))
    return [.record(.command(.rollback)), .rollback]
  }

  mutating func giveUpShadowed(_ now: Duration) -> [LoopAction] {
    giveUp(now)
    return [.record(.command(.rollback)), .discard]
  }

  func refuse(_ command: RunnerCommand, _ reason: String? = nil) -> [LoopAction] {
    let step: LoopFailure.Step = command == .promote ? .promote : .rollback
    return [
      .record(.command(command)),
      .record(.failure(LoopFailure(step: step, message: reason ?? "an update is under way: \(phase.name)"))),
    ]
  }
}
