import Foundation
import MedullaBase

#if canImport(Glibc)
import Glibc
#endif

/// One agent, its queue and its thread.
///
/// All that may change is used with the condition's lock held; the agent itself only on the thread.
final class AgentSeat: @unchecked Sendable {
  private struct Question {
    let request: LabelRequest
    let since: Duration
    let mayOwe: Bool
  }

  let name: String
  private let agent: any LabelingAgent
  private let settings: SeatSettings
  private let purse: any Purse
  private let classes: Int
  private let deliver: @Sendable ([Label]) -> Void
  private let condition = MonotonicCondition()
  private let ended = DispatchSemaphore(value: 0)

  private var queue: [Question] = []
  private var counts = AgentCounts()
  private var backOff: AgentBackOff
  /// Flows that are paid for, of which the agent was not ready to hear.
  private var unheard: [LabelRequest] = []
  /// When the call began that has not come back.
  private var asking: Duration?
  /// Until when the purse is not asked again, and why.
  private var waiting: (until: Duration, reason: String)?
  private var lastFailure = ""
  private var idleSince = MonotonicClock.now
  /// While the front of the queue is being paid for, it stays.
  private var isPaying = false
  private var isLeaving = false
  private var hasClosed = false

  /// Of the thread: labels take the processor time that nothing else wants.
  private static let niceness: Int32 = 10
  /// Bytes of a failure's words that are kept.
  private static let failureBytes = 4_096
  /// How often a purse is asked that cannot say when.
  private static let purseInterval = Duration.seconds(1)
  /// Between two questions to an agent that is not ready.
  private static let shortestPause = Duration.milliseconds(50)
  private static let longestPurseWait = Duration.seconds(60)

  init(_ place: AgentDesk.Place, classes: Int, deliver: @escaping @Sendable ([Label]) -> Void) {
    agent = place.agent
    name = place.agent.name
    settings = place.settings
    purse = place.purse
    self.classes = classes
    self.deliver = deliver
    backOff = AgentBackOff(first: place.settings.firstWait, longest: place.settings.longestWait)
  }

  func start() {
    let thread = Thread { [self] in
      setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
      agent.prepare()
      while let batch = next() { ask(batch) }
      agent.close()
      condition.withLock { hasClosed = true }
      ended.signal()
    }
    thread.name = "label-\(name)"
    thread.stackSize = 8 << 20
    thread.start()
  }

  func ask(_ requests: [LabelRequest], mayOwe: Bool) {
    let now = MonotonicClock.now
    condition.withLock {
      guard !isLeaving else { return counts.dropped += requests.count }
      dropOld(at: now)
      let room = max(0, settings.queue - queue.count)
      let fitting = requests.prefix(room).map { Question(request: $0, since: now, mayOwe: mayOwe) }
      if mayOwe, !isPaying {
        // What may owe does not wait behind what may not.
        queue.insert(contentsOf: fitting, at: queue.prefix { $0.mayOwe }.count)
        waiting = nil
      } else {
        queue += fitting
      }
      counts.dropped += max(0, requests.count - room)
    }
    condition.signal()
  }

  func leave() {
    condition.withLock {
      isLeaving = true
      counts.dropped += queue.count + unheard.count
      (queue, unheard) = ([], [])
    }
    condition.broadcast()
  }

  func hasEnded(within limit: Duration) -> Bool {
    guard ended.wait(timeout: .now() + limit.inSeconds) == .success else { return false }
    // Whoever asks again is told the same.
    ended.signal()
    return true
  }

  var state: AgentState {
    let now = MonotonicClock.now
    return condition.withLock {
      let (phase, seconds, reason) = phase(at: now)
      return AgentState(
        agent: name, phase: phase, seconds: max(0, seconds.inSeconds), reason: reason,
        failures: backOff.failures, queued: queue.count + unheard.count, counts: counts)
    }
  }

  private func phase(at now: Duration) -> (AgentState.Phase, Duration, String) {
    if hasClosed { return (.closed, .zero, lastFailure) }
    if let asking {
      if isLeaving { return (.left, now - asking, lastFailure) }
      return (now - asking > settings.deadline ? .overdue : .asking, now - asking, lastFailure)
    }
    if backOff.failures > 0, backOff.left(at: now) > .zero {
      return (.backingOff, backOff.left(at: now), lastFailure)
    }
    if let waiting, waiting.until > now { return (.waiting, waiting.until - now, waiting.reason) }
    return (.idle, now - idleSince, lastFailure)
  }
}

// On the agent's thread.
extension AgentSeat {
  /// The flows of the next call, paid for; nil: the agent is to end.
  private func next() -> [LabelRequest]? {
    while let (count, mayOwe) = ready() {
      if let batch = takeUnheard() { return batch }
      // The purse writes to a disk: nobody who asks waits for that.
      let answer = purse.spend(upTo: count, costEach: settings.price, mayOwe: mayOwe)
      if let batch = take(answer) { return batch }
    }
    return nil
  }

  /// Waits for flows that may be asked about; how many may share a call, and whether they may owe.
  private func ready() -> (count: Int, mayOwe: Bool)? {
    condition.withLock {
      while !isLeaving {
        let now = MonotonicClock.now
        dropOld(at: now)
        let pause = max(backOff.left(at: now), (waiting?.until ?? .zero) - now)
        if !unheard.isEmpty, pause <= .zero { return (unheard.count, false) }
        if let first = queue.first, pause <= .zero {
          (waiting, isPaying) = (nil, true)
          let alike = queue.prefix(settings.batch).prefix { $0.mayOwe == first.mayOwe }
          return (alike.count, first.mayOwe)
        }
        if queue.isEmpty, unheard.isEmpty {
          condition.wait()
        } else {
          _ = condition.wait(for: max(pause, .milliseconds(1)))
        }
      }
      return nil
    }
  }

  /// Takes the flows out that were paid for.
  private func take(_ answer: PurseAnswer) -> [LabelRequest]? {
    condition.withLock {
      let now = MonotonicClock.now
      isPaying = false
      switch answer {
      case .granted(let count) where count > 0:
        let batch = queue.prefix(count).map(\.request)
        queue.removeFirst(batch.count)
        return begin(batch, at: now)
      case .granted: waiting = (now + Self.purseInterval, "its purse grants nothing")
      case .wait(let time): waiting = (now + min(time, Self.longestPurseWait), "its budget is spent")
      case .never(let reason): waiting = (now + Self.longestPurseWait, reason)
      case .stopped(let reason): waiting = (now + Self.purseInterval, "spending is not recorded: \(reason)")
      }
      return nil
    }
  }

  private func takeUnheard() -> [LabelRequest]? {
    condition.withLock {
      let batch = unheard
      (unheard, waiting) = ([], nil)
      return begin(batch, at: MonotonicClock.now)
    }
  }

  /// With the lock held.
  private func begin(_ batch: [LabelRequest], at now: Duration) -> [LabelRequest]? {
    guard !batch.isEmpty, !isLeaving else { return nil }
    asking = now
    counts.calls += 1
    counts.asked += batch.count
    return batch
  }

  /// The agent has not heard of a batch: it gets the same again.
  private func putBack(_ batch: [LabelRequest], _ pause: AgentNotReady) {
    condition.withLock {
      let now = MonotonicClock.now
      (asking, idleSince) = (nil, now)
      counts.calls -= 1
      counts.asked -= batch.count
      waiting = (now + min(max(pause.wait, Self.shortestPause), Self.longestPurseWait), pause.reason)
      if isLeaving { counts.dropped += batch.count } else { unheard = batch }
    }
  }

  private func ask(_ batch: [LabelRequest]) {
    var result = AnswerCheck.Result()
    do {
      let answer = try agent.label(batch)
      result = AnswerCheck.check(answer, asked: batch.count, agent: name, classes: classes)
    } catch let pause as AgentNotReady {
      return putBack(batch, pause)
    } catch {
      result.complaint = "\(error)"
    }
    let isWanted = condition.withLock {
      let now = MonotonicClock.now
      let isLate = asking.map { now - $0 > settings.deadline } ?? false
      (asking, idleSince) = (nil, now)
      counts.malformed += result.malformed
      counts.labels += result.labels.count { $0.label != nil }
      counts.abstained += result.labels.count { $0.label == nil }
      if isLate {
        counts.late += 1
        result.complaint = result.complaint ?? "it answered after its deadline of \(settings.deadline)"
      }
      if let complaint = result.complaint {
        counts.failures += 1
        lastFailure = String(decoding: complaint.utf8.prefix(Self.failureBytes), as: UTF8.self)
        backOff.fail(at: now)
      } else {
        backOff.succeed()
      }
      return !isLeaving
    }
    if isWanted, !result.labels.isEmpty { deliver(result.labels) }
  }

  /// With the lock held.
  private func dropOld(at now: Duration) {
    guard !isPaying else { return }
    let before = queue.count
    queue.removeAll { now - $0.since > settings.patience }
    counts.expired += before - queue.count
  }
}
