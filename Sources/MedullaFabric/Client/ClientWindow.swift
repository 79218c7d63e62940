/// Which inferences a client has on their way, and what it does when cells or answers do not come: the
/// decisions without clock and socket.
///
/// Each inference has a slot, so many of them as the fabric has for a client. Lost cells are found by time:
/// the client asks the last stage for the answer, which asks the one before it for what it lacks, and so on
/// up to the client. The time is that of RFC 6298, and doubles at each try. A loss halves the window, as
/// TCP's does, and each answer widens it again by a part.
package struct ClientWindow: Sendable {
  package struct Limits: Sendable, Equatable {
    /// Inferences at once.
    package var window = 1
    /// That the fabric has for a client: an inference has that of its number, modulo these.
    package var slots = 1
    package var attempts = 200
    package var leastPatience = Duration.milliseconds(2)
    package var mostPatience = Duration.milliseconds(500)
    /// Before the first answer says how long one takes.
    package var firstPatience = Duration.milliseconds(100)

    package init(window: Int = 1, slots: Int = 1) { (self.window, self.slots) = (min(window, slots), slots) }
  }

  package enum Action: Sendable, Equatable {
    /// Send all cells of an inference's inputs.
    case send(inference: UInt32, attempt: UInt8)
    /// Ask for the answer's cells that are missing.
    case ask(inference: UInt32, attempt: UInt8)
    case fail(inference: UInt32)
  }

  private struct Flight: Sendable {
    var started: Duration
    var asked: Duration
    var attempt: UInt8 = 0
    /// Questions one after the other that brought nothing.
    var unheard = 0
  }

  package let limits: Limits
  private var flights: [UInt32: Flight] = [:]
  /// What times it has seen; another window of the same client can go on with them.
  package private(set) var times: Times
  private var allowed: Double
  private var next: UInt32

  /// Times of answers and replies, as RFC 6298 keeps those of round trips.
  package struct Times: Sendable, Equatable {
    fileprivate var smoothed: Duration?
    fileprivate var deviation = Duration.zero
    /// Until a question brings a reply.
    fileprivate var reply: Duration?

    package init() {}
  }

  /// - Parameters:
  ///   - first: number of the first inference; of one client each is larger than those before it.
  ///   - times: of a window before.
  package init(_ limits: Limits, first: UInt32, times: Times = Times()) {
    self.limits = limits
    self.times = times
    next = first
    allowed = Double(limits.window)
  }

  package var count: Int { flights.count }

  /// Whether another inference may be started now. The slots of those on their way are theirs.
  package var hasRoom: Bool {
    Double(flights.count) < max(allowed.rounded(.down), 1)
      && !flights.keys.contains { next &- $0 >= UInt32(limits.slots) }
  }

  package mutating func start(at now: Duration) -> Action {
    defer { next &+= 1 }
    flights[next] = Flight(started: now, asked: now)
    return .send(inference: next, attempt: 0)
  }

  package func isOnItsWay(_ inference: UInt32) -> Bool { flights[inference] != nil }

  package func attempts(of inference: UInt32) -> Int { Int(flights[inference]?.attempt ?? 0) + 1 }

  /// An answer is whole. Gives how long it took.
  package mutating func finish(_ inference: UInt32, at now: Duration) -> Duration? {
    guard let flight = flights.removeValue(forKey: inference) else { return nil }
    let time = now - flight.started
    if flight.attempt == 0 { learn(time) }
    allowed = min(allowed + 1 / max(allowed, 1), Double(limits.window))
    return time
  }

  /// RFC 6298, section 2; what was sent again says nothing (Karn's rule).
  private mutating func learn(_ time: Duration) {
    guard let before = times.smoothed else {
      (times.smoothed, times.deviation) = (time, time / 2)
      return
    }
    let distance = before > time ? before - time : time - before
    times.deviation = times.deviation * 3 / 4 + distance / 4
    times.smoothed = before * 7 / 8 + time / 8
  }

  private var patience: Duration {
    guard let smoothed = times.smoothed else { return limits.firstPatience }
    // Twice the time is not yet a loss: others compute on the same processors.
    let usual = max(smoothed + times.deviation * 4, smoothed * 2)
    return min(max(usual, limits.leastPatience), limits.mostPatience)
  }

  private func patience(_ flight: Flight) -> Duration {
    let whole = patience
    guard flight.attempt > 0 else { return whole }
    let first = times.reply.map { max($0 * 2, limits.leastPatience) } ?? whole
    return min(first * (1 << min(flight.unheard, 8)), max(whole, first) * 2, limits.mostPatience)
  }

  /// A reply to a question about an inference came, so that it goes on.
  ///
  /// - Parameter attempt: of the question, which replies bear.
  package mutating func hear(of inference: UInt32, attempt: UInt8, at now: Duration) {
    guard let flight = flights[inference] else { return }
    if attempt == flight.attempt, attempt > 0 {
      let time = now - flight.asked
      times.reply = times.reply.map { $0 * 7 / 8 + time / 8 } ?? time
    }
    flights[inference]?.asked = now
    flights[inference]?.unheard = 0
  }

  /// When to look again; nil: nothing is on its way.
  package var deadline: Duration? { flights.values.map { $0.asked + patience($0) }.min() }

  /// What is to be done for those whose time is up.
  package mutating func expire(at now: Duration) -> [Action] {
    var actions: [Action] = []
    for (inference, flight) in flights.sorted(by: { $0.key < $1.key })
    where flight.asked + patience(flight) <= now {
      guard Int(flight.attempt) + 1 < limits.attempts else {
        flights[inference] = nil
        actions.append(.fail(inference: inference))
        continue
      }
      flights[inference]?.attempt += 1
      flights[inference]?.asked = now
      if flight.attempt > 0 { flights[inference]?.unheard += 1 }
      actions.append(.ask(inference: inference, attempt: flight.attempt + 1))
    }
    if !actions.isEmpty { allowed = max(allowed / 2, 1) }
    return actions
  }
}
