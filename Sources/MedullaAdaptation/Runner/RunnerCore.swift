import Logging
import MedullaDatapath
import MedullaSnapshot

/// What the collector's thread does: drains, hands the loop its events and carries its actions out. Only that
/// thread touches it, which makes it safe to hand there; the adapter's work is posted to the learner.
final class RunnerCore: @unchecked Sendable {
  let settings: FunctionSettings
  private let fastPath: any FastPath
  private let learner: Learner?
  private let maker: CandidateMaker
  private let ranges: [ClosedRange<Double>]
  private let record: @Sendable (LoopRecord) -> Void
  private let log: Logger
  private var measure: (any RewardMeasure)?
  private var loop: AdaptationLoop
  private var queue = BatchQueue()
  private var recent = RecentInputs()
  private var failures = FailureMemory()
  private var statistics = BatchTally()
  private var isLearnerBusy = false
  /// The learner's next job, when the loop wants one while the adapter is at another.
  private var wanted: Learner.Job?
  private var compared: (inputs: [[Float]], outputs: [[Float]])?
  private var candidate: SnapshotFile?
  /// What the adapter learns from now.
  private var learning: Batch?
  /// Of the versions that were staged here; the others have the start's.
  private var shapes: [UInt64: ProgramShape] = [:]
  private var versionAsked: Duration?
  private var progressTold: Duration?
  private(set) var state: RunnerState

  /// Inputs that the fidelity loss is taken over, at the most: each costs a test run in the kernel.
  static let comparedInputs = 256
  /// How often the fast path is asked what is active.
  static let versionInterval = Duration.seconds(1)

  /// More versions than all slots of an instance hold.
  static let shapeLimit = 64

  init(
    settings: FunctionSettings, fastPath: any FastPath, learner: Learner?, maker: CandidateMaker,
    measure: (any RewardMeasure)?, record: @escaping @Sendable (LoopRecord) -> Void, log: Logger
  ) {
    self.settings = settings
    self.fastPath = fastPath
    self.learner = learner
    self.maker = maker
    self.measure = measure
    self.record = record
    self.log = log
    ranges = settings.gates.necessity.outputs ?? maker.start.outputs
    loop = AdaptationLoop(settings: settings, watches: measure != nil)
    state = RunnerState(name: settings.name, adapter: settings.adapter.kind)
  }

  // MARK: Events

  /// Sets right what a slow path that was killed has left: a candidate that lies staged, perhaps inferring,
  /// and a promoted snapshot that is on trial. Without an adapter both are a person's affair.
  func begin(at now: Duration) {
    guard learner != nil else { return }
    do {
      try fastPath.shadow(every: nil)
      try fastPath.discard()
    } catch let error as DatapathError where error.code == .nothingStaged {
      // As it should be.
    } catch {
      handle(.failed(LoopFailure(step: .discard, message: "\(error)")), now)
    }
    do {
      if let change = try fastPath.lastChange() { handle(.found(change), now) }
    } catch {
      handle(.failed(LoopFailure(step: .query, message: "\(error)")), now)
    }
  }

  func tick(at now: Duration) {
    state.ticks += 1
    askVersion(now)
    let batch: Batch
    do {
      batch = try fastPath.drain()
    } catch {
      return handle(.failed(LoopFailure(step: .drain, message: "\(error)")), now)
    }
    if fastPath.isAttachedAnew() {
      log.notice("\(settings.name): attached anew by someone else; its settings hold again")
      (shapes, recent, compared, candidate) = ([:], RecentInputs(), nil, nil)
      versionAsked = nil
      handle(.attachedAnew, now)
      askVersion(now)
    }
    let rewards = measure?.rewards(of: batch.samples) ?? []
    statistics.add(batch, rewards: rewards)
    state.batches += 1
    state.samples += UInt64(batch.samples.count)
    state.dropped += batch.dropped
    if let learner, !loop.isPaused {
      recent.append(batch.samples.suffix(recent.limit).map { maker.shown(natural($0, batch)) })
      queue.append(batch)
      learn(learner, now)
    }
    handle(.drained(rewards: rewards, shadowDifferences: differences(batch)), now)
    if let record = statistics.finish(at: now, discarded: queue.discarded) {
      state.samplesPerSecond = Double(record.samples) / max(record.seconds, 1e-9)
      if let mean = record.rewardMean { state.reward = mean }
      if record.samples > 0 || record.dropped > 0 { self.record(.batch(record)) }
    }
  }

  func receive(_ answer: Learner.Answer, at now: Duration) {
    isLearnerBusy = false
    let learned = learning
    learning = nil
    switch answer {
    case .adapted(let progress, let samples, let seconds):
      failures.noteAdapterSuccess()
      state.rounds += 1
      state.stability = progress.stability
      state.roundSeconds = seconds
      handle(
        .learned(
          RoundProgress(
            round: state.rounds, samples: samples, seconds: seconds, stability: progress.stability,
            figures: progress.figures)), now)
    case .evaluated(let outputs): compare(outputs, now)
    case .candidate(let result, let seconds):
      candidate = result.file
      handle(
        .quantized(
          .init(
            digest: result.file.digest, error: result.error, matchesShape: result.matchesShape,
            seconds: seconds)), now)
    case .failed(let failure, isWaiting: true) where failure.step == .adapt:
      // Why it waits was told when it failed.
      if let learned { queue.putBack(learned) }
      failures.noteAdapterWaiting(at: now)
      state.lastFailure = "\(failure.step.rawValue): \(failure.message)"
    case .failed(let failure, _):
      if failure.step == .adapt {
        if let learned { queue.noteLost(learned) }
        failures.noteAdapterFailure(at: now)
      }
      handle(.failed(failure), now)
    }
    if let learner { learn(learner, now) }
  }

  func tell(_ command: RunnerCommand, at now: Duration) {
    if command == .promote, learner == nil {
      record(.command(command))
      return handle(
        .failed(
          LoopFailure(step: .promote, message: "\(settings.name) has no adapter to take a network from")),
        now)
    }
    handle(.command(command), now)
    if loop.isPaused { queue.discardAll() }
  }

  /// Leaves nothing half done in the kernel; a promoted snapshot stays.
  func end(at now: Duration) {
    if loop.phase == .shadowing {
      try? fastPath.shadow(every: nil)
      try? fastPath.discard()
    }
  }

  func refresh(at now: Duration) {
    state.isPaused = loop.isPaused
    state.phase = loop.phase
    state.activeVersion = loop.activeVersion
    state.candidateVersion = loop.candidateVersion
    state.discarded = queue.discarded
    state.queued = queue.count
    state.gates = GateDecision.Gate.allCases.compactMap { loop.decisions[$0] }
    state.promotions = loop.promotions
    state.rollbacks = loop.rollbacks
    let wait = loop.spacing.wait(at: now)
    state.waitSeconds = wait > .zero ? wait.seconds : nil
  }

  // MARK: Actions

  private func handle(_ event: LoopEvent, _ now: Duration) {
    var event: LoopEvent? = event
    // An action's answer may bring further actions; a candidate goes through fewer phases than this.
    for _ in 0..<16 {
      guard let current = event else { return }
      event = nil
      if case .failed(let failure) = current { note(failure) }
      for action in loop.handle(current, at: now) {
        if let next = perform(action, now) { event = next }
      }
    }
  }

  /// Carries an action out; the event that answers it, when that is known at once.
  private func perform(_ action: LoopAction, _ now: Duration) -> LoopEvent? {
    do {
      switch action {
      case .record(let record):
        if case .failure(let failure) = record {
          guard failures.isNews(failure, at: now) else { return nil }
          log.warning("\(settings.name): \(failure.step.rawValue) failed: \(failure.message)")
        }
        if case .progress = record {
          // With a short interval there would be a thousand a second.
          if let last = progressTold, now < last + BatchTally.interval { return nil }
          progressTold = now
        }
        self.record(record)
        return nil
      case .compare: return try startComparing()
      case .quantize:
        let running = loop.activeVersion.flatMap { shapes[$0] } ?? maker.start.shape
        post(.candidate(live: recent.chosen(CandidateMaker.sampleLimit), running: running))
        return nil
      case .stage(let shadowEvery): return try stage(shadowEvery)
      case .promote:
        let begin = ContinuousClock.now
        if settings.shadow.every > 0 { try fastPath.shadow(every: nil) }
        try fastPath.promote()
        return .promoted(seconds: (ContinuousClock.now - begin).seconds)
      case .discard:
        if settings.shadow.every > 0 { try fastPath.shadow(every: nil) }
        try fastPath.discard()
        return .discarded
      case .rollback:
        let expected = try loop.activeVersion ?? fastPath.activeVersion()
        return .rolledBack(to: try fastPath.rollback(from: expected))
      }
    } catch {
      return .failed(LoopFailure(step: step(of: action), message: "\(error)"))
    }
  }

  private func step(of action: LoopAction) -> LoopFailure.Step {
    switch action {
    case .compare: .query
    case .quantize: .quantize
    case .stage: .stage
    case .promote: .promote
    case .discard: .discard
    case .rollback: .rollback
    case .record: .drain
    }
  }

  private func startComparing() throws -> LoopEvent? {
    let inputs = recent.chosen(Self.comparedInputs)
    guard !inputs.isEmpty else { return .compared([]) }
    compared = (inputs, try fastPath.query(inputs))
    post(.evaluate(inputs))
    return nil
  }

  private func compare(_ outputs: [[Float]], _ now: Duration) {
    guard let compared else { return }
    self.compared = nil
    do {
      handle(
        .compared(try FidelityLoss.relative(kernel: compared.outputs, tuned: outputs, ranges: ranges)), now)
    } catch {
      handle(.failed(LoopFailure(step: .evaluate, message: "\(error)")), now)
    }
  }

  private func stage(_ shadowEvery: Int?) throws -> LoopEvent? {
    guard let file = candidate else { return nil }
    candidate = nil
    let version = try fastPath.stage(file, name: file.snapshot.record.networkName)
    shapes[version] = file.snapshot.shape
    if shapes.count > Self.shapeLimit, let oldest = shapes.keys.min() { shapes[oldest] = nil }
    if let shadowEvery {
      do {
        try fastPath.shadow(every: shadowEvery)
      } catch {
        try? fastPath.discard()
        return .failed(LoopFailure(step: .shadow, message: "\(error)"))
      }
    }
    return .staged(version: version)
  }

  // MARK: Learning

  private func post(_ job: Learner.Job) {
    guard let learner else { return }
    guard !isLearnerBusy else { return wanted = job }
    isLearnerBusy = true
    learner.post(job)
  }

  /// Gives an idle learner what it is wanted for, else the samples that wait.
  private func learn(_ learner: Learner, _ now: Duration) {
    guard !isLearnerBusy else { return }
    if let wanted {
      self.wanted = nil
      return post(wanted)
    }
    guard !loop.isPaused, failures.allowsAdapting(at: now), queue.count > 0, let batch = queue.take() else {
      return
    }
    learning = batch
    post(.adapt(batch))
  }

  // MARK: Samples

  private func natural(_ sample: FunctionSample, _ batch: Batch) -> [Float] {
    Batch.natural(sample.features, bits: batch.featureFractionBits)
  }

  private func differences(_ batch: Batch) -> [Double] {
    guard loop.phase == .shadowing else { return [] }
    return batch.samples.compactMap { sample in
      guard let shadow = sample.shadowOutputs, shadow.count == ranges.count,
        sample.outputs.count == ranges.count
      else { return nil }
      let bits = batch.outputFractionBits
      return FidelityLoss.difference(
        Batch.natural(sample.outputs, bits: bits), Batch.natural(shadow, bits: bits), ranges)
    }
  }

  private func askVersion(_ now: Duration) {
    if let last = versionAsked, now < last + Self.versionInterval { return }
    versionAsked = now
    do {
      handle(.active(version: try fastPath.activeVersion()), now)
    } catch {
      handle(.failed(LoopFailure(step: .query, message: "\(error)")), now)
    }
  }

  private func note(_ failure: LoopFailure) {
    state.failures += 1
    state.lastFailure = "\(failure.step.rawValue): \(failure.message)"
  }
}
