import Foundation
import MedullaBase
import Synchronization

/// What a service agent did, since it was made.
package struct ServiceReport: Sendable, Equatable {
  /// Over HTTP, those that were tried again among them.
  package var calls = 0
  package var retries = 0
  package var failures = 0
  /// Flows that the service was asked about, and those that the cache or the rules answered in its place.
  package var flows = 0
  package var cached = 0
  package var ruled = 0
  /// Flows that rules had answered and of which the service was asked all the same.
  package var audited = 0
  package var cost = 0.0
  package var rules = RuleState.none

  package init() {}
}

/// Asks an outside service over HTTP: a foundation model, a queue before people.
///
/// A call is paid before it is made, from the purse; what was asked before is answered from memory. With
/// `rules`, the service is also asked for rules: they answer in its place once a replay on known labels says
/// that they are as good, and until audits say that they no longer are.
package final class ServiceAgent: LabelingAgent {
  package let name: String
  private let settings: ServiceSettings
  private let contract: ServiceContract
  private let transport: any ServiceTransport
  private let purse: any Purse
  private let checker: ((String) throws -> any LabelingAgent)?
  private var cache: LabelCache
  private var adoption: RuleAdoption?
  private var rules: (any LabelingAgent)?
  private var generator: SeededGenerator
  /// Until when the service is left alone, and why.
  private var resting: (until: Duration, reason: String)?
  private let shared = Mutex(ServiceReport())
  /// A service that cannot say when it wants to be asked again.
  private static let defaultRest = Duration.seconds(5)

  /// - Parameters:
  ///   - purse: pays calls, each at the settings' price; its budget's calls are requests over HTTP.
  ///   - transport: nil: HTTP to the settings' address.
  ///   - seed: of waits and audits.
  ///   - checker: makes an agent of rules as a text, or throws what is wrong with them.
  /// - Throws: `LabelServiceError` with `badSetting`.
  package init(
    _ name: String, _ settings: ServiceSettings, schema: LabelSchema, purse: any Purse = FreePurse(),
    transport: (any ServiceTransport)? = nil, seed: UInt64 = .random(in: 0 ... .max),
    checker: ((String) throws -> any LabelingAgent)? = nil
  ) throws(LabelServiceError) {
    let address = try settings.check()
    guard settings.rules == nil || checker != nil else {
      throw LabelServiceError(.badSetting, "rules of the service \(name) have nobody who checks them")
    }
    self.name = name
    self.settings = settings
    self.purse = purse
    self.checker = checker
    contract = ServiceContract(schema: schema, sendsEndpoints: settings.sendsEndpoints)
    self.transport =
      transport ?? URLTransport(address, headers: settings.headers, limit: settings.responseLimit)
    cache = LabelCache(limit: settings.cache, age: settings.cacheAge)
    adoption = settings.rules.map { RuleAdoption($0) }
    generator = SeededGenerator(seed: seed)
  }

  package var report: ServiceReport { shared.withLock { $0 } }

  /// Labels by rules, from memory, and by the service: in that order, the cheapest first.
  ///
  /// - Throws: `AgentNotReady` when the budget is spent or the service wants to be left alone, and nothing
  ///   was asked; `LabelServiceError` when it cannot be asked, or its answer is none. What was answered
  ///   before that is given, and the failure waits for the next question.
  package func label(_ requests: [LabelRequest]) throws -> [Label] {
    let end = MonotonicClock.now + settings.deadline
    var (labels, ruled) = labelsByRules(requests)
    let audited = Set(ruled.keys)
    let answered = Set(labels.map(\.sample))
    var open = requests.filter { !answered.contains($0.sample) }
    labels += try cached(&open, except: audited)
    for start in stride(from: 0, to: open.count, by: settings.batch) {
      let batch = Array(open[start..<min(start + settings.batch, open.count)])
      do {
        let given = try ask(batch, until: end)
        try learn(given, of: batch, audits: ruled)
        labels += given
      } catch {
        guard !labels.isEmpty else { throw error }
        if resting == nil { resting = (MonotonicClock.now + Self.defaultRest, "\(error)") }
        // Of what was to be audited the rules' labels are there.
        let missing = open[start...].compactMap { ruled[$0.sample] }
        return labels + missing
      }
    }
    renewRules(until: end)
    return labels
  }

  package func close() {
    transport.close()
    rules?.close()
  }

  private func count(_ change: (inout ServiceReport) -> Void) { shared.withLock { change(&$0) } }
}

// What costs nothing.
extension ServiceAgent {
  /// - Returns: the labels of the rules that count, and those of flows of which the service is to be asked
  ///   too.
  private func labelsByRules(_ requests: [LabelRequest]) -> ([Label], audits: [UInt64: Label]) {
    guard let rules, let adoption else { return ([], [:]) }
    let given: [Label]
    do {
      given = try rules.label(requests)
    } catch {
      retireRules("they failed: \(error)")
      return ([], [:])
    }
    var (labels, audits): ([Label], [UInt64: Label]) = ([], [:])
    for label in given where label.label != nil {
      let own = Label(sample: label.sample, agent: name, label: label.label, confidence: label.confidence)
      if generator.chance(adoption.settings.audit) { audits[label.sample] = own } else { labels.append(own) }
    }
    count { $0.ruled += labels.count }
    return (labels, audits)
  }

  /// Takes the flows out that were asked about before; an audit is to hear the service.
  private func cached(_ open: inout [LabelRequest], except audited: Set<UInt64>) throws -> [Label] {
    let now = MonotonicClock.now
    var labels: [Label] = []
    var left: [LabelRequest] = []
    for request in open {
      if !audited.contains(request.sample), let answer = cache.find(try contract.key(request), at: now) {
        labels.append(
          Label(
            sample: request.sample, agent: name, label: answer.label, confidence: answer.confidence))
      } else {
        left.append(request)
      }
    }
    open = left
    count { $0.cached += labels.count }
    return labels
  }
}

// Calls.
extension ServiceAgent {
  private func ask(_ batch: [LabelRequest], until end: Duration) throws -> [Label] {
    let price = settings.pricePerCall / Double(batch.count) + settings.pricePerFlow
    let cost = settings.pricePerCall + settings.pricePerFlow * Double(batch.count)
    let body = try call(try contract.labelQuestion(batch), cost: cost, until: end)
    count { $0.flows += batch.count }
    return try contract.labels(body, of: batch, agent: name, price: price)
  }

  /// One question, tried again where that may help; each try is paid.
  private func call(_ question: Data, cost: Double, until end: Duration) throws -> Data {
    if let resting {
      let left = resting.until - MonotonicClock.now
      guard left <= .zero else { throw AgentNotReady(resting.reason, wait: left) }
      self.resting = nil
    }
    var plan = RetryPlan(
      attempts: settings.attempts, first: settings.firstWait, longest: settings.longestWait)
    while true {
      try pay(cost)
      let (failure, retryAfter): (LabelServiceError, Duration?)
      switch attempt(question, until: end) {
      case .answered(let body): return body
      case .failed(let error, let isFinal, let asked):
        count { $0.failures += 1 }
        guard !isFinal else { throw error }
        (failure, retryAfter) = (error, asked)
      }
      let wait = plan.wait(chance: generator.unit(), asked: retryAfter)
      if let retryAfter, MonotonicClock.now + retryAfter >= end {
        // Longer than anybody waits here: until then it is left alone.
        resting = (MonotonicClock.now + retryAfter, failure.description)
        throw AgentNotReady(failure.description, wait: retryAfter)
      }
      guard let wait, MonotonicClock.now + wait < end else { throw failure }
      count { $0.retries += 1 }
      Thread.sleep(forTimeInterval: wait.inSeconds)
    }
  }

  private enum Attempt {
    case answered(Data)
    case failed(LabelServiceError, isFinal: Bool, retryAfter: Duration?)
  }

  private func attempt(_ question: Data, until end: Duration) -> Attempt {
    let left = min(settings.callTimeout, end - MonotonicClock.now)
    do throws(LabelServiceError) {
      let reply = try transport.post(question, within: max(left, .milliseconds(1)))
      return reply.status == 200 ? .answered(reply.body) : Self.refusal(reply)
    } catch {
      return .failed(error, isFinal: ![.unreachable, .timedOut].contains(error.code), retryAfter: nil)
    }
  }

  private func pay(_ cost: Double) throws {
    switch purse.spend(upTo: 1, costEach: cost, mayOwe: false) {
    case .granted(let granted) where granted > 0:
      count {
        $0.calls += 1
        $0.cost += cost
      }
    case .granted: throw AgentNotReady("its purse grants nothing", wait: Self.defaultRest)
    case .wait(let time): throw AgentNotReady("its budget is spent", wait: time)
    case .never(let reason): throw AgentNotReady("its budget is spent: \(reason)", wait: .seconds(3_600))
    case .stopped(let reason):
      throw AgentNotReady("spending is not recorded: \(reason)", wait: Self.defaultRest)
    }
  }

  private static func refusal(_ reply: ServiceReply) -> Attempt {
    let said = String(decoding: reply.body.prefix(200), as: UTF8.self)
      .map { $0.isNewline || $0.asciiValue.map { $0 < 32 } ?? false ? " " : String($0) }.joined()
    let failure = LabelServiceError(
      .refused, "the label service answered with status \(reply.status)", cause: said,
      remedy: RetryPlan.mayPass(reply.status)
        ? "It is asked again by itself." : "Correct its address or its headers; it says why.")
    return .failed(
      failure, isFinal: !RetryPlan.mayPass(reply.status),
      retryAfter: RetryPlan.retryAfter(reply.retryAfter, at: WallClock.now))
  }
}

// What is learned of answers.
extension ServiceAgent {
  private func learn(_ labels: [Label], of batch: [LabelRequest], audits: [UInt64: Label]) throws {
    let now = MonotonicClock.now
    let requests = Dictionary(batch.map { ($0.sample, $0) }) { first, _ in first }
    for label in labels {
      guard let request = requests[label.sample] else { continue }
      cache.keep(
        LabelCache.Answer(label: label.label, confidence: label.confidence), for: try contract.key(request),
        at: now)
      guard let place = label.label else { continue }
      adoption?.note(KnownLabel(request, label: place))
      if let audit = audits[label.sample] {
        count { $0.audited += 1 }
        adoption?.audit(isAlike: audit.label == place)
      }
    }
    if let state = adoption?.state {
      if rules != nil, adoption?.isAdopted == false { dropRules() }
      count { $0.rules = state }
    }
  }

  private func retireRules(_ reason: String) {
    adoption?.retire(reason)
    dropRules()
  }

  private func dropRules() {
    rules?.close()
    rules = nil
    if let state = adoption?.state { count { $0.rules = state } }
  }

  /// Asks for rules when there are labels enough to judge them; a failure costs no labels.
  private func renewRules(until end: Duration) {
    guard let checker, adoption?.wantsRules == true, let (examples, held) = adoption?.attempt() else {
      return
    }
    var made: (any LabelingAgent)?
    do {
      let question = try contract.rulesQuestion(examples)
      let cost = settings.pricePerCall + settings.pricePerFlow * Double(examples.count)
      let text = try contract.rules(try call(question, cost: cost, until: end))
      let agent = try checker(text)
      made = agent
      let given = try agent.label(held.map(\.request))
      let answers = Dictionary(
        given.compactMap { label in label.label.map { (label.sample, $0) } }, uniquingKeysWith: { $1 })
      adoption?.judge(answers, held: held)
    } catch {
      adoption?.refuse("\(error)")
    }
    if adoption?.isAdopted == true { rules = made } else { made?.close() }
    if let state = adoption?.state { count { $0.rules = state } }
  }
}
