import Foundation
import Logging
import MedullaFrames
import MedullaLearning

/// Questions to a process, and its answers: how it is started, served, waited for, ended and started again.
///
/// What is asked is the callers', an adapter's or a labeling agent's; they have protocol, isolation and
/// faults in common (`docs/reference/adapter-protocol.md`). Used from one thread at a time.
final class ProcessConversation {
  /// Who the process is, in messages.
  private let who: String
  private let settings: ProcessSettings
  private let spawner: Spawner
  private let log: Logger
  private var life: AdapterLife
  private var child: AdapterChild?
  private var lastFailure = ""
  private var calls = 0
  private let origin = ContinuousClock.now
  /// Messages of one call that only tell of progress.
  private static let progressLimit = 10_000
  private static let closePatience: Duration = .seconds(1)

  /// - Throws: `AdapterFailure` with `badRequest` when the settings cannot be used, `notIsolated` when the
  ///   process cannot be kept from what is not its own. A program that does not start is an error of the
  ///   first question.
  init(_ settings: ProcessSettings, as who: String = "adapter", log: Logger) throws(AdapterFailure) {
    try settings.check()
    spawner = try Spawner.shared()
    try spawner.check(settings.isolation)
    if settings.isolation.level == .none {
      log.warning(
        """
        the \(who) \(settings.command[0]) runs WITHOUT isolation (`isolation: none`): whatever its user may \
        do to the daemon, the kernel's programs and this machine, it may do
        """)
    }
    self.who = who
    self.settings = settings
    self.log = log
    life = AdapterLife(policy: settings.restart, startDeadline: settings.startDeadline)
  }

  deinit { child?.kill() }

  var starts: Int { life.starts }
  /// In a row.
  var failures: Int { life.failures }
  var processIdentifier: Int32? { child?.identifier }

  /// One question and its answer.
  ///
  /// - Parameters:
  ///   - greeting: what a process that is started now is told first, without its id.
  ///   - check: throws when the process's answer to the greeting is none.
  ///   - read: makes something of the answer; what it throws ends the process, but for `badRequest`.
  func exchange<Answer>(
    _ request: TensorFrame, greeting: () throws -> TensorFrame, check: (TensorFrame) throws -> Void,
    read: (TensorFrame) throws -> Answer
  ) throws -> Answer {
    let child = try serving(greeting, check)
    do {
      let answer = try read(try call(child, request, within: settings.deadline))
      life.answered()
      return answer
    } catch let failure as AdapterFailure where failure.code == .badRequest {
      // This side's fault: the process has not seen it.
      throw failure
    } catch {
      throw fail(error, child, during: request.text("request") ?? "")
    }
  }

  /// Starts the process where none runs.
  ///
  /// - Throws: as a first question would.
  func prepare(greeting: () throws -> TensorFrame, check: (TensorFrame) throws -> Void) throws {
    _ = try serving(greeting, check)
  }

  /// Lets the process end in good order, for a moment.
  func close() {
    life.close()
    guard let child else { return }
    self.child = nil
    let limit = ContinuousClock.now + min(Self.closePatience, settings.deadline)
    if let bytes = try? TensorFrame(["request": "close", "id": FrameValue(calls + 1)]).encoded() {
      // It may have ended already: closing is not to fail.
      try? child.send(bytes, until: limit)
      _ = try? child.receive(until: limit)
    }
    child.end(patience: limit - ContinuousClock.now)
  }

  static func figures(_ answer: TensorFrame) -> [String: Double] {
    (answer.fields["figures"]?.object ?? [:]).compactMapValues(\.number)
  }
}

// The process's life, and what follows from its failing.
extension ProcessConversation {
  private var now: Duration { ContinuousClock.now - origin }

  /// The process, ready for a request.
  private func serving(
    _ greeting: () throws -> TensorFrame, _ check: (TensorFrame) throws -> Void
  ) throws -> AdapterChild {
    switch life.call(at: now) {
    case .serve:
      guard let child else { throw fail(AdapterChild.Ending.ended("it is gone"), nil, during: "serving") }
      child.begin()
      return child
    case .start: return try start(greeting, check)
    case .greet(let left): return try greet(within: left, check)
    case .expire:
      throw fail(
        AdapterFailure(.timedOut, "it did not answer the greeting within \(settings.startDeadline)"), child,
        during: "hello")
    case .refuse(let wait):
      throw AdapterFailure(
        .backingOff, "the \(who) failed \(life.failures) times; it restarts in \(wait.milliseconds) ms",
        details: lastFailure)
    case .refuseForGood:
      guard life.state != .closed else { throw AdapterFailure(.closed, "the \(who) was closed") }
      throw AdapterFailure(
        .givenUp, "the \(who) failed \(life.failures) times in a row and was given up", details: lastFailure,
        remedy: "Mend it, then restart the function; the fast path goes on with what it has.")
    }
  }

  private func start(
    _ greeting: () throws -> TensorFrame, _ check: (TensorFrame) throws -> Void
  ) throws -> AdapterChild {
    do {
      let child = try AdapterChild(settings, spawner: spawner, log: log)
      self.child = child
      log.info("\(who) started", metadata: ["pid": "\(child.identifier)", "start": "\(life.starts)"])
      calls += 1
      var hello = try greeting()
      hello.fields["id"] = FrameValue(calls)
      do {
        try child.send(try hello.encoded(), until: .now + settings.startPatience)
      } catch AdapterChild.Ending.deadline {
        throw AdapterFailure(.timedOut, "it does not read the greeting")
      }
    } catch {
      throw fail(error, child, during: "start")
    }
    return try greet(within: settings.startDeadline, check)
  }

  /// Waits a while for the answer to the greeting; a process that is only slow is asked again later.
  private func greet(
    within left: Duration, _ check: (TensorFrame) throws -> Void
  ) throws -> AdapterChild {
    guard let child else { throw fail(AdapterChild.Ending.ended("it is gone"), nil, during: "hello") }
    child.begin()
    do {
      let answer = try self.answer(child, identifier: calls, until: .now + min(left, settings.startPatience))
      try check(answer)
    } catch AdapterChild.Ending.deadline {
      guard left > settings.startPatience else {
        throw fail(
          AdapterFailure(.timedOut, "it did not answer the greeting within \(settings.startDeadline)"), child,
          during: "hello")
      }
      throw AdapterFailure(.starting, "the \(who) is still starting", remedy: "Ask again.")
    } catch {
      throw fail(error, child, during: "hello")
    }
    life.greeted()
    return child
  }

  private func call(_ child: AdapterChild, _ request: TensorFrame, within limit: Duration) throws
    -> TensorFrame
  {
    var request = request
    calls += 1
    request.fields["id"] = FrameValue(calls)
    let bytes: Data
    do {
      bytes = try request.encoded()
    } catch {
      throw AdapterFailure(.badRequest, "the request does not fit a frame: \(error.message)")
    }
    let deadline = ContinuousClock.now + limit
    try child.send(bytes, until: deadline)
    return try answer(child, identifier: calls, until: deadline)
  }

  /// The final answer to request `identifier`; tells of progress on the way.
  private func answer(
    _ child: AdapterChild, identifier: Int, until deadline: ContinuousClock.Instant
  ) throws -> TensorFrame {
    for _ in 0..<Self.progressLimit {
      let frame = try child.receive(until: deadline)
      guard frame.fields["id"]?.count == identifier else {
        throw AdapterFailure(.malformedAnswer, "an answer to another request than \(identifier)")
      }
      switch frame.text("answer") {
      case "ok": return frame
      case "progress":
        log.debug("\(who): \(frame.text("message") ?? "")", metadata: ["figures": "\(Self.figures(frame))"])
      case "error":
        throw AdapterFailure(
          .refused, frame.text("message") ?? "the \(who) failed", details: frame.text("traceback") ?? "")
      default:
        throw AdapterFailure(.malformedAnswer, "an answer that is neither ok, progress nor error")
      }
    }
    throw AdapterFailure(.malformedAnswer, "more than \(Self.progressLimit) answers that tell of progress")
  }

  /// Ends the process, notes the failure, and says when it is started again.
  private func fail(_ error: any Error, _ child: AdapterChild?, during request: String) -> AdapterFailure {
    let cause = Self.cause(error, deadline: settings.deadline)
    child?.kill()
    let details = cause.details.isEmpty ? child?.tail ?? "" : cause.details
    self.child = nil
    let next: String
    switch life.failed(at: now) {
    case .restart(let wait): next = "it is started again in \(wait.milliseconds) ms at the earliest"
    case .giveUp: next = "it was given up after \(life.failures) failures in a row"
    }
    let failure = AdapterFailure(
      cause.code, "\(who), \(request): \(cause.message); \(next)", details: details, remedy: cause.remedy)
    lastFailure = failure.message + (details.isEmpty ? "" : "\n" + details)
    log.warning("\(failure)")
    return failure
  }

  private static func cause(_ error: any Error, deadline: Duration) -> AdapterFailure {
    switch error {
    case let failure as AdapterFailure: failure
    case AdapterChild.Ending.deadline:
      AdapterFailure(
        .timedOut, "no answer within \(deadline)", remedy: "Raise `deadline`, or do less in a call.")
    case AdapterChild.Ending.ended(let how): AdapterFailure(.ended, how)
    case AdapterChild.Ending.malformed(let frame):
      AdapterFailure(.malformedAnswer, frame.message, remedy: frame.remedy)
    default: AdapterFailure(.malformedAnswer, "\(error)")
    }
  }
}
