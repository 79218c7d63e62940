import Logging
import MedullaDatapath

/// What the collector's thread does: drains, hands the loop its events and has its actions carried out. Only
/// that thread touches it, which makes it safe to hand there; the adapter's work is posted to the learner.
final class RunnerCore: @unchecked Sendable {
  let settings: FunctionSettings
  private var loop: AdaptationLoop
  private var intake: SampleIntake
  private let fastPath: any FastPath
  private let worker: FastPathThread
  private var asked = PendingRequests()
  /// nil: nobody learns.
  private var desk: LearnerDesk?
  private let journal: RunnerJournal
  private var failures = FailureLog()
  private var asking = Pace(.seconds(1))
  /// With a short interval there would be a thousand rounds a second to tell of.
  private var telling = Pace(BatchTally.interval)
  private let log: Logger
  private(set) var state: RunnerState
  /// Why the command that is being carried out was refused.
  private var refusal: String?

  /// - Parameter intake: nil measures mean that promoted snapshots are not watched.
  init(
    settings: FunctionSettings, fastPath: any FastPath, worker: FastPathThread, isForeign: Bool,
    learner: Learner?, maker: CandidateMaker,
    measure: (any RewardMeasure)?, journal: RunnerJournal, log: Logger
  ) {
    self.settings = settings
    self.journal = journal
    self.log = log
    loop = AdaptationLoop(
      settings: settings, unit: measure?.unit ?? (learner?.tellsRewards == true ? .flow : nil),
      isForeign: isForeign && learner != nil, adapterDecides: learner?.decidesUpdates ?? false)
    intake = SampleIntake(
      maker: maker, ranges: settings.gates.necessity.outputs ?? maker.start.outputs, measure: measure)
    self.fastPath = fastPath
    self.worker = worker
    desk = learner.map { LearnerDesk($0, trigger: settings.trigger.trigger) }
    state = RunnerState(name: settings.name, adapter: settings.adapter.kind)
  }

  // MARK: What comes in

  /// Sets right what a slow path that was killed has left: a staged candidate, and a promoted snapshot that
  /// is on trial. Without an adapter both are a person's affair.
  func begin(at now: Duration) {
    guard desk != nil else { return }
    worker.post(.clear)
    worker.post(.findChange)
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
    if fastPath.isAttachedAnew() { beginAnew(now) }
    if !batch.samples.isEmpty { journal.decisions(batch) }
    let rewards = intake.rewards(of: batch)
    state.note(batch)
    if !loop.isPaused, desk != nil {
      desk?.hear(.inputs(intake.take(batch)), at: now)
      work(now, isTick: true)
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
      for retrain in progress.retrains { tell(.retrain(retrain), now) }
      let round = state.noteRound(progress, samples: samples, seconds: seconds)
      if !progress.rewards.isEmpty {
        intake.note(progress.rewards)
        handle(.drained(rewards: progress.rewards, shadowDifferences: []), now)
      }
      handle(progress.isReady ? .trained(round) : .learned(round), now)
    case .evaluated(let outputs):
      asked.tuned = outputs
      compare(now)
    case .candidate(let candidate): handle(.quantized(candidate), now)
    case .heard: break
    case .failed(let failure, isWaiting: true) where failure.step == .adapt:
      // Why it waits was told when it failed.
      state.lastFailure = failure.line
    case .failed(let failure, _): handle(.failed(failure), now)
    }
    work(now)
  }

  /// What the fast path's thread has done.
  func receive(_ report: ActionCarrier.Report, at now: Duration) {
    switch report {
    case .event(let event):
      asked.note(event)
      if case .failed(let failure) = event, failure.step == .promote { asking.reset() }
      handle(event, now)
    case .staged(let version, let candidate):
      // Of orders that were given up the kernel keeps none but the last.
      if asked.noteStaged(version, candidate) { handle(.staged(version: version), now) }
    case .answered(let outputs, let number):
      asked.noteAnswer(outputs, to: number)
      compare(now)
    case .done: break
    }
  }

  func tell(_ command: RunnerCommand, at now: Duration) -> CommandAnswer {
    if command == .promote, desk == nil {
      journal.record(.command(command))
      let message = "\(settings.name) has no adapter to take a network from"
      handle(.failed(LoopFailure(step: .promote, message: message)), now)
      return .refused(message)
    }
    let before = loop
    refusal = nil
    handle(.command(command), now)
    if loop.isPaused { intake.queue.discardAll() }
    return refusal.map { .refused($0) } ?? .done(CommandWords(command, before: before, after: loop).text)
  }

  func give(_ label: GivenLabel, _ reply: CommandReply) {
    guard desk != nil else { return reply.give(.refused("\(settings.name) has no adapter")) }
    desk?.give(label, reply)
  }

  /// A value from outside that tells how well the network still does.
  func tell(proxy: Double, at now: Duration) { desk?.hear(.proxy(proxy), at: now) }

  /// Leaves nothing half done in the kernel; a promoted snapshot stays.
  func end(at now: Duration) {
    let clears =
      switch loop.phase {
      case .staging, .shadowing, .promoting: true
      case .learning, .comparing, .quantizing, .watching, .rollingBack: false
      }
    worker.stop(grace: FunctionRunner.stopGrace, clears: clears)
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
    switch action {
    case .record(let record):
      if case .failure(let failure) = record { refusal = failure.message }
      if case .rollback = record { desk?.noteRollback() }
      tell(record, now)
    case .keep(let candidate, let version): journal.keep(candidate, version)
    case .compare: return startComparing()
    case .quantize:
      let running = asked.shape(of: loop.activeVersion) ?? intake.maker.start.shape
      desk?.post(.candidate(live: intake.recent.chosen(CandidateMaker.sampleLimit), running: running))
    case .stage(let candidate, let shadowEvery):
      asked.stages += 1
      worker.post(.stage(candidate, shadowEvery: shadowEvery))
    case .promote: worker.post(.promote(over: loop.activeVersion))
    case .discard: worker.post(.discard)
    case .rollback:
      // One that failed is asked for with each batch, whether it was answered or not.
      if !asked.rollsBack {
        asked.rollsBack = true
        worker.post(.rollback(from: loop.activeVersion))
      }
    }
    return nil
  }

  private func tell(_ record: LoopRecord, _ now: Duration) {
    switch record {
    case .failure(let failure):
      guard failures.isNews(failure, at: now) else { return }
      log.warning("\(settings.name): \(failure.step.rawValue) failed: \(failure.message)")
    case .progress:
      guard telling.isDue(at: now) else { return }
    case .batch, .trigger, .retrain, .gates, .staged, .shadow, .promotion, .verdict, .rollback, .pin,
      .command:
      break
    }
    journal.record(record)
  }

  /// Asks both the kernel and the adapter; whichever answers last brings on the comparison.
  private func startComparing() -> LoopEvent? {
    let inputs = intake.compared(settings.gates.necessity.over)
    guard !inputs.isEmpty else { return .compared([]) }
    asked.ask()
    // What is compared with must be what the loop takes it for.
    worker.post(.askVersion)
    worker.post(.query(inputs, number: asked.question))
    desk?.post(.evaluate(inputs))
    return nil
  }

  private func compare(_ now: Duration) {
    guard let kernel = asked.kernel, let tuned = asked.tuned else { return }
    asked.forgetAnswers()
    do {
      let losses = try FidelityLoss.relative(kernel: kernel, tuned: tuned, ranges: intake.ranges)
      handle(.compared(losses), now)
    } catch {
      handle(.failed(LoopFailure(step: .evaluate, message: "\(error)")), now)
    }
  }

  /// Puts the learner to work, and writes down when the trigger says something else than before.
  private func work(_ now: Duration, isTick: Bool = false) {
    let before = trigger?.isOpen
    if desk?.work(on: &intake.queue, isPaused: loop.isPaused, isTick: isTick, at: now) == true {
      intake.noteTaken()
    }
    if let trigger, trigger.isOpen != before { tell(.trigger(trigger), now) }
  }

  /// The trigger's last word; nil where every batch is learned from: then there is nothing to tell.
  private var trigger: TriggerDecision? {
    settings.trigger.kind == .everyBatch ? nil : desk?.decision
  }

  private func beginAnew(_ now: Duration) {
    log.notice("\(settings.name): attached anew by someone else; its settings hold again")
    intake.forgetInputs()
    asked = PendingRequests()
    asking.reset()
    handle(.attachedAnew, now)
    askVersion(now)
  }

  private func askVersion(_ now: Duration) {
    guard asking.isDue(at: now) else { return }
    worker.post(.askVersion)
  }
}
