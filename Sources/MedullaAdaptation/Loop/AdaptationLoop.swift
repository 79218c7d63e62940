import MedullaDatapath

/// The slow path's decisions: when a tuned network becomes a snapshot, and whether it stays one.
///
///     learning ▶ comparing ▶ quantizing ▶ staging ▶ (shadowing) ▶ promoting ▶ watching ▶ learning
///
/// A value: events come in with their time, actions go out. No clock, thread or kernel is inside. A failure
/// in any phase is recorded and leads back to learning; the fast path goes on with what it has.
public struct AdaptationLoop: Sendable {
  public typealias Phase = RunnerState.Phase

  let shadowSettings: ShadowSettings
  let watches: Bool
  public private(set) var phase = Phase.learning
  public private(set) var isPaused = false
  public internal(set) var activeVersion: UInt64?
  public private(set) var candidateVersion: UInt64?
  public private(set) var promotions: UInt64 = 0
  public private(set) var rollbacks: UInt64 = 0
  /// The last word of each gate.
  public private(set) var decisions: [GateDecision.Gate: GateDecision] = [:]

  private var stability: StabilityGate
  private var necessity: NecessityGate
  private let accuracy: AccuracyGate
  var spacing: UpdateSpacing
  private var watch: RolloutWatch
  private var shadow = ShadowTally()
  private var isForced = false
  private var isAutomatic = false
  private var rollbackTries = 0
  private var lastWords: [GateDecision.Gate: Bool] = [:]

  /// How often a failed rollback is tried again, once a batch.
  static let rollbackLimit = 20

  /// - Parameter watches: whether the function has a reward to watch promoted snapshots by.
  public init(settings: FunctionSettings, watches: Bool = true) {
    shadowSettings = settings.shadow
    self.watches = watches && settings.watch.window > .zero
    stability = StabilityGate(settings.gates.stability)
    necessity = NecessityGate(settings.gates.necessity)
    accuracy = AccuracyGate(settings.gates.accuracy)
    spacing = UpdateSpacing(
      interval: settings.gates.updateInterval, backOff: settings.watch.backOff,
      backOffLimit: settings.watch.backOffLimit)
    watch = RolloutWatch(settings.watch)
  }

  /// - Parameter now: of a monotonic clock, the one that stamps the samples.
  public mutating func handle(_ event: LoopEvent, at now: Duration) -> [LoopAction] {
    switch event {
    case .drained(let rewards, let differences): drained(rewards, differences, now)
    case .learned(let progress): learned(progress, now)
    case .compared(let losses): compared(losses, now)
    case .quantized(let candidate): quantized(candidate, now)
    case .staged(let version): staged(version, now)
    case .promoted(let seconds): promoted(seconds, now)
    case .discarded: discarded(now)
    case .rolledBack(let version): rolledBack(to: version, now)
    case .found(let change): found(change, now)
    case .active(let version): active(version, now)
    case .attachedAnew: attachedAnew(now)
    case .failed(let failure): failed(failure, now)
    case .command(let command): told(command, now)
    }
  }

  // MARK: Gates

  private mutating func learned(_ progress: RoundProgress, _ now: Duration) -> [LoopAction] {
    var actions: [LoopAction] = [.record(.progress(progress))]
    let stable = note(stability.decide(progress.stability))
    guard phase == .learning, !isPaused else { return actions }
    let hasBaseline = !watches || watch.hasBaseline(at: now)
    let time = note(spacing.decide(at: now, hasBaseline: hasBaseline))
    actions += words([stable, time])
    guard stable.isOpen, time.isOpen else { return actions }
    phase = .comparing
    return actions + [.compare]
  }

  private mutating func compared(_ losses: [Double], _ now: Duration) -> [LoopAction] {
    guard phase == .comparing else { return [] }
    let decision = note(necessity.decide(losses))
    guard decision.isOpen else {
      phase = .learning
      return words([decision])
    }
    phase = .quantizing
    return words([decision]) + [.quantize]
  }

  private mutating func quantized(_ candidate: LoopEvent.Candidate, _ now: Duration) -> [LoopAction] {
    guard phase == .quantizing else { return [] }
    let decision = note(accuracy.decide(error: candidate.error))
    let order: [GateDecision.Gate] = isForced ? [.accuracy] : [.stability, .time, .necessity, .accuracy]
    let record = LoopAction.record(.gates(order.compactMap { decisions[$0] }))
    for (gate, word) in decisions { lastWords[gate] = word.isOpen }
    guard decision.isOpen else {
      giveUp(now)
      return [record]
    }
    phase = .staging
    staging = candidate
    let isShadowed = shadowSettings.every > 0 && candidate.matchesShape
    return [record, .stage(shadowEvery: isShadowed ? shadowSettings.every : nil)]
  }

  private mutating func note(_ decision: GateDecision) -> GateDecision {
    decisions[decision.gate] = decision
    return decision
  }

  /// A record of the gates when one of them says something else than the last time.
  private mutating func words(_ said: [GateDecision]) -> [LoopAction] {
    let changed = said.contains { lastWords[$0.gate] != $0.isOpen }
    for decision in said { lastWords[decision.gate] = decision.isOpen }
    return changed ? [.record(.gates(said))] : []
  }

  // MARK: Rollout

  private var staging: LoopEvent.Candidate?

  private mutating func staged(_ version: UInt64, _ now: Duration) -> [LoopAction] {
    guard phase == .staging, let candidate = staging else { return [] }
    staging = nil
    candidateVersion = version
    let record = LoopAction.record(
      .staged(
        StagedCandidate(
          version: version, digest: candidate.digest, error: candidate.error,
          matchesShape: candidate.matchesShape, seconds: candidate.seconds)))
    guard shadowSettings.every > 0 else {
      phase = .promoting
      return [record, .promote]
    }
    guard candidate.matchesShape else {
      phase = .promoting
      return [record, .record(.shadow(.skipped(version, shadowSettings))), .promote]
    }
    phase = .shadowing
    shadow = ShadowTally(start: now)
    return [record]
  }

  private mutating func drained(
    _ rewards: [RewardSample], _ differences: [Double], _ now: Duration
  ) -> [LoopAction] {
    watch.add(rewards, at: now)
    if phase == .learning, watch.wake() {
      phase = .watching
      candidateVersion = activeVersion
    }
    switch phase {
    case .shadowing:
      shadow.add(differences)
      return judgeShadow(now)
    case .watching:
      guard let verdict = watch.check(at: now) else { return [] }
      return judged(verdict, now)
    case .rollingBack where rollbackTries > 0: return [.rollback]
    default: return []
    }
  }

  private mutating func judgeShadow(_ now: Duration) -> [LoopAction] {
    let isLate = now >= shadow.start + shadowSettings.limit
    guard shadow.count >= shadowSettings.decisions || isLate, let version = candidateVersion else {
      return []
    }
    let result = shadow.result(version, shadowSettings)
    phase = .promoting
    guard result.passed else {
      giveUp(now)
      return [.record(.shadow(result)), .discard]
    }
    return [.record(.shadow(result)), .promote]
  }

  private mutating func promoted(_ seconds: Double, _ now: Duration) -> [LoopAction] {
    guard phase == .promoting, let version = candidateVersion else { return [] }
    promotions += 1
    let record = PromotionRecord(
      version: version, before: activeVersion, isForced: isForced, seconds: seconds)
    activeVersion = version
    isForced = false
    necessity.shut()
    spacing.noteTry(at: now)
    if watches {
      phase = .watching
      watch.begin(version: version, at: now)
    } else {
      settle()
    }
    return [.record(.promotion(record))]
  }

  private mutating func judged(_ verdict: WatchVerdict, _ now: Duration) -> [LoopAction] {
    guard verdict.outcome == .worse else {
      if verdict.outcome == .accepted { spacing.noteSuccess() }
      settle()
      return [.record(.verdict(verdict))]
    }
    phase = .rollingBack
    isAutomatic = true
    rollbackTries = 0
    return [.record(.verdict(verdict)), .rollback]
  }

  private mutating func rolledBack(to version: UInt64, _ now: Duration) -> [LoopAction] {
    guard phase == .rollingBack else { return [] }
    settle()
    return [noteRollback(to: version, isAutomatic: isAutomatic, now)]
  }

  private mutating func noteRollback(to version: UInt64, isAutomatic: Bool, _ now: Duration) -> LoopAction {
    rollbacks += 1
    let wait = spacing.noteRollback(at: now)
    let record = RollbackRecord(
      from: activeVersion ?? 0, to: version, isAutomatic: isAutomatic, backOffSeconds: wait.seconds)
    activeVersion = version
    stability.reset()
    return .record(.rollback(record))
  }

  private mutating func discarded(_ now: Duration) -> [LoopAction] {
    candidateVersion = phase == .learning ? nil : candidateVersion
    return []
  }

  /// Someone else may have updated or rolled back: then there is nothing left to watch. Whoever went back to
  /// an older version did not want what this loop had made: it waits as after a rollback of its own.
  private mutating func active(_ version: UInt64, _ now: Duration) -> [LoopAction] {
    guard phase != .promoting else { return [] }
    guard let before = activeVersion, before != version else {
      activeVersion = version
      return []
    }
    let isReturn = version < before
    var actions: [LoopAction] = []
    if let verdict = watch.abandon(at: now) { actions.append(.record(.verdict(verdict))) }
    if isReturn {
      if phase == .shadowing { actions.append(.discard) }
      actions.append(noteRollback(to: version, isAutomatic: false, now))
    }
    activeVersion = version
    if isReturn || phase == .watching || phase == .rollingBack { settle() }
    return actions
  }

  /// What runs may be on trial still, by a slow path that was killed or stopped. The rewards of before are
  /// lost, so it is compared only with flows that have kept the version before it.
  private mutating func found(_ change: ActiveChange, _ now: Duration) -> [LoopAction] {
    let time = Duration.nanoseconds(Int64(clamping: change.nanoseconds))
    guard activeVersion == nil, phase == .learning, time <= now else { return [] }
    activeVersion = change.version
    guard change.version > change.before else {
      _ = spacing.noteRollback(at: time)
      return []
    }
    let isOnTrial = watches && now < time + watch.settings.window
    spacing.noteTry(at: isOnTrial ? now : time)
    guard isOnTrial else { return [] }
    phase = .watching
    candidateVersion = change.version
    watch.begin(version: change.version, at: time, isTakenOver: true)
    return []
  }

  /// Versions begin at 1 again, so the rewards of before are another snapshot's.
  private mutating func attachedAnew(_ now: Duration) -> [LoopAction] {
    let verdict = watch.abandon(at: now)
    watch = RolloutWatch(watch.settings)
    stability.reset()
    giveUp(now)
    activeVersion = nil
    return verdict.map { [.record(.verdict($0))] } ?? []
  }

  /// The candidate goes; the next may be tried after the least time between updates.
  private mutating func giveUp(_ now: Duration) {
    spacing.noteTry(at: now)
    settle()
  }

  private mutating func settle() {
    phase = .learning
    candidateVersion = nil
    staging = nil
    isForced = false
    rollbackTries = 0
  }

  // MARK: Failures and commands

  private mutating func failed(_ failure: LoopFailure, _ now: Duration) -> [LoopAction] {
    let record = LoopAction.record(.failure(failure))
    switch (failure.step, phase) {
    case (.query, .comparing), (.evaluate, .comparing), (.freeze, .quantizing), (.quantize, .quantizing),
      (.stage, .staging), (.shadow, .staging):
      giveUp(now)
      return [record]
    case (.promote, .promoting):
      giveUp(now)
      return [record, .discard]
    case (.rollback, .rollingBack):
      rollbackTries += 1
      if rollbackTries > Self.rollbackLimit {
        _ = spacing.noteRollback(at: now)
        settle()
      }
      return [record]
    default: return [record]
    }
  }

  private mutating func told(_ command: RunnerCommand, _ now: Duration) -> [LoopAction] {
    let record = LoopAction.record(.command(command))
    switch (command, phase) {
    case (.pause, _):
      isPaused = true
      return [record]
    case (.resume, _):
      isPaused = false
      return [record]
    case (.promote, .learning), (.promote, .comparing):
      isForced = true
      phase = .quantizing
      return [record, .quantize]
    case (.promote, .shadowing):
      isForced = true
      phase = .promoting
      return [record, .promote]
    case (.rollback, .learning), (.rollback, .watching), (.rollback, .comparing):
      _ = watch.abandon(at: now)
      phase = .rollingBack
      isAutomatic = false
      rollbackTries = 0
      return [record, .rollback]
    case (.rollback, .shadowing):
      giveUp(now)
      return [record, .discard]
    case (.promote, _), (.rollback, _):
      let step: LoopFailure.Step = command == .promote ? .promote : .rollback
      return [
        record, .record(.failure(LoopFailure(step: step, message: "an update is under way: \(phase)"))),
      ]
    }
  }
}
