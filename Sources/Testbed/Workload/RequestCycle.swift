import MedullaBase
import TestbedLink

/// One connection of requests and answers, both of its ends, as decisions: told the time and what was sent
/// and read, it says what to send, and which requests are answered.
struct RequestCycle: Sendable {
  /// After `broken` the connection is of no more use.
  typealias News = FlowEvent<RequestResponse.Answer>

  private let plan: RequestResponse.Plan
  private let number: Int
  private var random: SeededGenerator
  /// When the next request begins, unless one is under way.
  private var next: UInt64
  /// When the request under way began.
  private var begun: UInt64?
  /// What the asking end has still to send, and the answering end.
  private(set) var requestLeft = 0
  private(set) var answerLeft = 0
  private var requestRead = 0
  private var answerRead = 0

  init(_ number: Int, _ plan: RequestResponse.Plan, seed: UInt64, start: UInt64) {
    self.number = number
    self.plan = plan
    random = SeededGenerator(seed: seed)
    next = start &+ plan.think.nanoseconds(&random)
  }

  /// Whether a request is under way.
  var isAsking: Bool { begun != nil }

  func due(mayBegin: Bool) -> UInt64? { !isAsking && mayBegin ? next : nil }

  /// Begins the request that is due, and gives up one that waits for too long.
  mutating func advance(to now: UInt64, mayBegin: Bool) -> News? {
    if let begun {
      let late = now > begun &+ UInt64(plan.patience * 1e9)
      return late ? broken("not answered after \(short(plan.patience)) s") : nil
    }
    guard mayBegin, now >= next else { return nil }
    begun = now
    (requestLeft, requestRead, answerRead) = (plan.requestBytes, 0, 0)
    return .begun
  }

  mutating func requestSent(_ bytes: Int) { requestLeft -= bytes }

  /// What the answering end read.
  mutating func requestRead(_ bytes: Int) -> News? {
    guard bytes > 0 else { return nil }
    requestRead += bytes
    guard isAsking, requestRead <= plan.requestBytes else { return broken("a request was too long") }
    if requestRead == plan.requestBytes { answerLeft = plan.answerBytes }
    return nil
  }

  mutating func answerSent(_ bytes: Int) { answerLeft -= bytes }

  /// What the asking end read.
  mutating func answerRead(_ bytes: Int, at now: UInt64) -> News? {
    guard bytes > 0 else { return nil }
    answerRead += bytes
    guard let begun, answerRead <= plan.answerBytes else { return broken("an answer was too long") }
    guard answerRead == plan.answerBytes else { return nil }
    self.begun = nil
    next = now &+ plan.think.nanoseconds(&random)
    return .completed(
      RequestResponse.Answer(
        connection: number, begunNanoseconds: begun, seconds: Double(now &- begun) / 1e9))
  }

  /// A request under way has no answer then.
  func broken(_ reason: String) -> News { .broken(reason, open: isAsking ? 1 : 0) }
}
