/// Gives the learner one job at a time: first what the loop wants, else the samples that wait, when trigger
/// and back-off allow it.
struct LearnerDesk {
  private let learner: Learner
  private var trigger: any Trigger
  private var backOff = AdapterBackOff()
  private var isBusy = false
  /// The next job, when the loop wants one while the adapter is at another.
  private var wanted: Learner.Job?
  /// What the adapter is told before anything else is learned.
  private var told: [Learner.Job] = []
  /// Whether the adapter has work without samples.
  private var hasMore = false
  /// What the adapter learns from now.
  private var lesson: Batch?
  /// The trigger's last word; nil: it was not asked yet.
  private(set) var decision: TriggerDecision?

  init(_ learner: Learner, trigger: any Trigger) {
    self.learner = learner
    self.trigger = trigger
  }

  mutating func post(_ job: Learner.Job) {
    guard !isBusy else { return wanted = job }
    isBusy = true
    learner.post(job)
  }

  /// Puts an idle learner to work.
  ///
  /// - Parameter isTick: whether an interval has begun: what needs no samples is done once in each.
  /// - Returns: whether it learns from what waited now.
  mutating func work(
    on queue: inout BatchQueue, isPaused: Bool, isTick: Bool, at now: Duration
  ) -> Bool {
    guard !isBusy else { return false }
    if let wanted {
      self.wanted = nil
      post(wanted)
      return false
    }
    if !told.isEmpty {
      post(told.removeFirst())
      return false
    }
    guard !isPaused, backOff.allows(at: now) else { return false }
    guard queue.count > 0 else {
      if hasMore, isTick { post(.adapt(Batch())) }
      return false
    }
    let decision = trigger.decide(at: now)
    self.decision = decision
    guard decision.isOpen, let batch = queue.take() else { return false }
    lesson = batch
    post(.adapt(batch))
    return true
  }

  /// A person's label; the reply has its answer once the adapter has written it down.
  mutating func give(_ label: GivenLabel, _ reply: CommandReply) {
    guard told.count < RunnerMailbox.commandLimit else {
      return reply.give(.unheard("it has too many labels to come to"))
    }
    tell(.take(label, reply))
  }

  mutating func noteRollback() { tell(.noteRollback) }

  private mutating func tell(_ job: Learner.Job) {
    told.append(job)
    guard !isBusy else { return }
    post(told.removeFirst())
  }

  mutating func hear(_ news: TriggerNews, at now: Duration) { trigger.hear(news, at: now) }

  /// The learner has answered, and is idle.
  mutating func receive(_ answer: Learner.Answer, _ queue: inout BatchQueue, at now: Duration) {
    isBusy = false
    let lesson = lesson
    self.lesson = nil
    switch answer {
    case .adapted(let progress, _, _):
      hasMore = progress.hasMore
      backOff.noteSuccess()
      trigger.hear(.round, at: now)
    case .failed(let failure, let isWaiting) where failure.step == .adapt:
      if isWaiting {
        if let lesson { queue.putBack(lesson) }
        backOff.noteWaiting(at: now)
      } else {
        if let lesson { queue.noteLost(lesson) }
        backOff.noteFailure(at: now)
      }
    case .heard: hasMore = true
    case .evaluated, .candidate, .failed: break
    }
  }
}
