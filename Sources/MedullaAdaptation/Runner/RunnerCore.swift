import Logging
import MedullaDatapath

/// What the collector's thread does: drains, hands the loop its events and has its actions carried out. Only
/// that thread touches it, which makes it safe to hand there; the adapter's work is posted to the learner.
final class RunnerCore: @unchecked Sendable {
  let settings: FunctionSettings
  private var loop: AdaptationLoop
  private var intake: SampleIntake
  private var carrier: ActionCarrier
  /// nil: nobody learns.
  private var desk: LearnerDesk?
  private let journal: RunnerJournal
  private var failures = FailureLog()
  private var asking = Pace(.seconds(1))
  /// With a short interval there would be a thousand rounds a second to tell of.
  private var telling = Pace(BatchTally.interval)
  private let log: Logger
  private(set) var state: RunnerState

  /// - Parameter intake: nil measures mean that promoted snapshots are not watched.
  init(
    settings: FunctionSettings, fastPath: any FastPath, learner: Learner?, maker: CandidateMaker,
    measure: (any RewardMeasure)?, journal: RunnerJournal, log: Logger
  ) {
    self.settings = settings
    self.journal = journal
    self.log = log
    loop = AdaptationLoop(settings: settings, unit: measure?.unit)
    intake = SampleIntake(
      maker: maker, ranges: settings.gates.necessity.outputs ?? maker.start.outputs, measure: measure)
    carrier = ActionCarrier(fastPath, settings: settings)
    desk = learner.map { LearnerDesk($0, trigger: settings.trigger.trigger) }
    state = RunnerState(name: settings.name, adapter: settings.adapter.kind)
  }

  // MARK: What comes in

  /// Sets right what a slow path that was killed has left: a staged candidate, and a promoted snapshot that
  /// is on trial. Without an adapter both are a person's affair.
  func begin(at now: Duration) {
    guard desk != nil else { return }
    do {
      try carrier.clear()
    } catch {
      handle(.failed(LoopFailure(step: .discard, message: "\(error)")), now)
    }
    do {
      if let change = try carrier.fastPath.lastChange() { handle(.found(change), now) }
    } catch {
      handle(.failed(LoopFailure(step: .query, message: "\(error)")), now)
    }
  }

  func tick(at now: Duration) {
    state.ticks += 1
    askVersion(now)
    let batch: Batch
    do {
      batch = try carrier.fastPath.drain()
    } catch {
      return handle(.failed(LoopFailure(step: .drain, message: "\(error)")), now)
    }
    if carrier.fastPath.isAttachedAnew() { beginAnew(now) }
    let rewards = intake.rewards(of: batch)
    state.note(batch)
    if !loop.isPaused, desk != nil {
      desk?.hear(.inputs(intake.take(batch)), at: now)
      work(now)
    }
    var differences: [Double] = []
    if case .shadowing = loop.phase { differences = intake.shadowDifferences(batch) }
    handle(.drained(rewards: rewards, shadowDifferences: differences), now)
    if let statistics = intake.statistics(at: now) {
      state.note(statistics)
      if statistics.samples > 0 || statistics.dropped > 0 { journal.record(.batch(statistics)) }
    }
  }

  func receive(_ answer: Learner.Answer, at now: Duration) {
    desk?.receive(answer, &intake.queue, at: now)
    switch answer {
    case .adapted(let progress, let samples, let seconds):
      let round = state.noteRound(progress, samples: samples, seconds: seconds)
      handle(.learned(round), now)
    case .evaluated(let outputs): compare(outputs, now)
    case .candidate(let candidate): handle(.quantized(candidate), now)
    case .failed(let failure, isWaiting: true) where failure.step == .adapt:
      // Why it waits was told when it failed.
      state.lastFailure = failure.line
    case .failed(let failure, _): handle(.failed(failure), now)
    }
    work(now)
  }

  func tell(_ command: RunnerCommand, at now: Duration) {
    if command == .promote, desk == nil {
      journal.record(.command(command))
      let message = "\(settings.name) has no adapter to take a network from"
      return handle(.failed(LoopFailure(step: .promote, message: message)), now)
    }
    handle(.command(command), now)
    if loop.isPaused { intake.queue.discardAll() }
  }

  /// A value from outside that tells how well the network still does.
  func tell(proxy: Double, at now: Duration) { desk?.hear(.proxy(proxy), at: now) }

  /// Leaves nothing half done in the kernel; a promoted snapshot stays.
  func end(at now: Duration) {
    if case .shadowing = loop.phase { try? carrier.clear() }
  }

  func refresh(at now: Duration) { state.refresh(loop, queue: intake.queue, trigger: trigger, at: now) }

  // MARK: What is done

  private func handle(_ event: LoopEvent, _ now: Duration) {
    var event: LoopEvent? = event
    // An action's answer may bring further actions; a candidate goes through fewer phases than this.
    for _ in 0..<16 {
      guard let current = event else { return }
      event = nil
      if case .failed(let failure) = current { state.note(failure) }
      for action in loop.handle(current, at: now) {
        if let next = perform(action, now) { event = next }
      }
    }
  }

  /// Has an action carried out; the event that answers it, when that is known at once.
  private func perform(_ action: LoopAction, _ now: Duration) -> LoopEvent? {
    do {
      switch action {
      case .record(let record):
        tell(record, now)
        return nil
      case .keep(let candidate, let version):
        journal.keep(candidate, version)
        return nil
      case .compare: return try startComparing()
      case .quantize:
        let running = carrier.shape(of: loop.activeVersion) ?? intake.maker.start.shape
        desk?.post(.candidate(live: intake.recent.chosen(CandidateMaker.sampleLimit), running: running))
        return nil
      case .stage(let candidate, let shadowEvery):
        return try carrier.stage(candidate, shadowEvery: shadowEvery)
      case .promote: return try carrier.promote()
      case .discard: return try carrier.discard()
      case .rollback: return try carrier.rollback(from: loop.activeVersion)
      }
    } catch {
      return .failed(LoopFailure(step: action.step, message: "\(error)"))
    }
  }

  private func tell(_ record: LoopRecord, _ now: Duration) {
    switch record {
    case .failure(let failure):
      guard failures.isNews(failure, at: now) else { return }
      log.warning("\(settings.name): \(failure.step.rawValue) failed: \(failure.message)")
    case .progress:
      guard telling.isDue(at: now) else { return }
    case .batch, .trigger, .gates, .staged, .shadow, .promotion, .verdict, .rollback, .command: break
    }
    journal.record(record)
  }

  private func startComparing() throws -> LoopEvent? {
    let inputs = intake.recent.chosen(ActionCarrier.comparedInputs)
    guard !inputs.isEmpty else { return .compared([]) }
    try carrier.query(inputs)
    desk?.post(.evaluate(inputs))
    return nil
  }

  private func compare(_ outputs: [[Float]], _ now: Duration) {
    guard let kernel = carrier.takeCompared() else { return }
    do {
      let losses = try FidelityLoss.relative(kernel: kernel, tuned: outputs, ranges: intake.ranges)
      handle(.compared(losses), now)
    } catch {
      handle(.failed(LoopFailure(step: .evaluate, message: "\(error)")), now)
    }
  }

  /// Puts the learner to work, and writes down when the trigger says something else than before.
  private func work(_ now: Duration) {
    let before = trigger?.isOpen
    desk?.work(on: &intake.queue, isPaused: loop.isPaused, at: now)
    if let trigger, trigger.isOpen != before { tell(.trigger(trigger), now) }
  }

  /// The trigger's last word; nil where every batch is learned from: then there is nothing to tell.
  private var trigger: TriggerDecision? {
    settings.trigger.kind == .everyBatch ? nil : desk?.decision
  }

  private func beginAnew(_ now: Duration) {
    log.notice("\(settings.name): attached anew by someone else; its settings hold again")
    intake.forgetInputs()
    carrier.forget()
    asking.reset()
    handle(.attachedAnew, now)
    askVersion(now)
  }

  private func askVersion(_ now: Duration) {
    guard asking.isDue(at: now) else { return }
    do {
      handle(.active(version: try carrier.fastPath.activeVersion()), now)
    } catch {
      handle(.failed(LoopFailure(step: .query, message: "\(error)")), now)
    }
  }
}
