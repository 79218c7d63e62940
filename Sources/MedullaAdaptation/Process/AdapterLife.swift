/// The life of an adapter's process: when it is started, served, refused, given up. A value; the clock and
/// the process are outside.
struct AdapterLife: Sendable, Equatable {
  enum State: Sendable, Equatable {
    case absent
    case starting(since: Duration)
    case serving
    case waiting(until: Duration)
    case givenUp
    case closed
  }

  /// What to do with a call.
  enum Decision: Sendable, Equatable {
    case start
    /// It has been started and not said hello; so much time is left to it.
    case greet(within: Duration)
    /// It had all the time that a start may take.
    case expire
    case serve
    case refuse(for: Duration)
    case refuseForGood
  }

  /// What follows a failure.
  enum Verdict: Sendable, Equatable {
    case restart(in: Duration)
    case giveUp
  }

  let policy: RestartPolicy
  let startDeadline: Duration
  private(set) var state = State.absent
  /// Failures in a row.
  private(set) var failures = 0
  /// Starts that were tried.
  private(set) var starts = 0
  private var answersInRow = 0

  init(policy: RestartPolicy, startDeadline: Duration) {
    self.policy = policy
    self.startDeadline = startDeadline
  }

  /// Somebody asks for something at `now` (any origin that does not move).
  mutating func call(at now: Duration) -> Decision {
    switch state {
    case .absent: return begin(now)
    case .waiting(let until): return now >= until ? begin(now) : .refuse(for: until - now)
    case .starting(let since):
      let left = since + startDeadline - now
      return left > .zero ? .greet(within: left) : .expire
    case .serving: return .serve
    case .givenUp, .closed: return .refuseForGood
    }
  }

  private mutating func begin(_ now: Duration) -> Decision {
    starts += 1
    state = .starting(since: now)
    return .start
  }

  mutating func greeted() {
    guard case .starting = state else { return }
    state = .serving
    answersInRow = 0
  }

  mutating func answered() {
    answersInRow += 1
    if answersInRow >= policy.recovery { failures = 0 }
  }

  mutating func failed(at now: Duration) -> Verdict {
    if state == .closed || state == .givenUp { return .giveUp }
    failures += 1
    answersInRow = 0
    guard failures < policy.limit else {
      state = .givenUp
      return .giveUp
    }
    let wait = policy.wait(after: failures)
    state = .waiting(until: now + wait)
    return .restart(in: wait)
  }

  mutating func close() { state = .closed }
}
