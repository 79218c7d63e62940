import Foundation
import Logging
import MedullaFrames
import MedullaLearning
import MedullaModel

/// An adapter in a process of its own: a Python class, or any program that speaks the protocol of
/// `docs/reference/adapter-protocol.md`.
///
/// The first call starts the process. A crash, a hang, an answer of the wrong shape or with NaN ends it;
/// it is started again after a while with the network that it last gave, and given up after a limit. No
/// call waits longer than its deadline, nor for a restart: meanwhile calls are refused with `backingOff`.
package final class ProcessAdapter: Adapter {
  package let inputs: Int
  package let outputs: Int
  private let settings: ProcessSettings
  private let spawner: Spawner
  private let log: Logger
  private var network: Network
  private var life: AdapterLife
  private var child: AdapterChild?
  private var lastFailure = ""
  private var calls = 0
  private let origin = ContinuousClock.now
  /// Messages of one call that only tell of progress.
  private static let progressLimit = 10_000
  private static let closePatience: Duration = .seconds(1)

  /// - Throws: `AdapterFailure` with `badRequest` when settings or network cannot be used, `notIsolated` when
  ///   the process cannot be kept from what is not its own. A program that does not start is an error of the
  ///   first call.
  package init(_ settings: ProcessSettings, network: Network, log: Logger) throws(AdapterFailure) {
    try settings.check()
    spawner = try Spawner.shared()
    try spawner.check(settings.isolation)
    if settings.isolation.level == .none {
      log.warning(
        """
        the adapter \(settings.command[0]) runs WITHOUT isolation (`isolation: none`): whatever its user may \
        do to the daemon, the kernel's programs and this machine, it may do
        """)
    }
    guard network.inputShape.rank >= 1, network.outputShape.rank == 1 else {
      throw AdapterFailure(.badRequest, "the network's outputs are no vector: \(network.outputShape)")
    }
    self.settings = settings
    self.network = network
    self.log = log
    inputs = network.inputShape.count
    outputs = network.outputShape.count
    life = AdapterLife(policy: settings.restart, startDeadline: settings.startDeadline)
  }

  deinit { child?.kill() }

  /// Starts of the process so far, and its failures in a row.
  package var starts: Int { life.starts }
  package var failures: Int { life.failures }
  /// The process's id while it runs.
  package var processIdentifier: Int32? { child?.identifier }

  package func freeze() throws -> Network {
    let name = network.name
    let frozen = try exchange(TensorFrame(["request": "freeze"])) { [inputs, outputs] answer in
      let given = try NetworkFrame.decode(answer, name: name)
      guard given.inputShape.count == inputs, given.outputShape.count == outputs else {
        throw AdapterFailure(
          .wrongShape,
          "freeze gave a network of \(given.inputShape.count) inputs and "
            + "\(given.outputShape.count) outputs, not \(inputs) and \(outputs)")
      }
      return given
    }
    network = frozen
    return frozen
  }

  package func adapt(_ batch: Batch) throws -> Progress {
    try exchange(try BatchFrame.encode(batch, inputs: inputs, outputs: outputs, outcomes: settings.outcomes))
    {
      answer in
      guard let stability = answer.fields["stability"]?.number else {
        throw AdapterFailure(.malformedAnswer, "the answer to adapt has no number `stability`")
      }
      return Progress(stability: stability, figures: Self.figures(answer))
    }
  }

  package func evaluate(_ rows: [[Float]]) throws -> [[Float]] {
    guard rows.allSatisfy({ $0.count == inputs }) else {
      throw AdapterFailure(.badRequest, "evaluate needs rows of \(inputs) values")
    }
    let request = TensorFrame(
      ["request": "evaluate"], tensors: [FrameTensor("inputs", rows: rows, width: inputs)])
    return try exchange(request) { [outputs] answer in
      let values: [Float]
      do throws(FrameError) {
        values = try answer.tensor("outputs", shape: [rows.count, outputs]).floats()
      } catch {
        throw AdapterFailure(.wrongShape, "the answer to evaluate: \(error.message)", remedy: error.remedy)
      }
      try Finite.check(answer.tensors)
      return (0..<rows.count).map { Array(values[($0 * outputs)..<(($0 + 1) * outputs)]) }
    }
  }

  package func close() {
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

  private static func figures(_ answer: TensorFrame) -> [String: Double] {
    (answer.fields["figures"]?.object ?? [:]).compactMapValues(\.number)
  }
}

// One exchange with the process, and what follows from its failing.
extension ProcessAdapter {
  private var now: Duration { ContinuousClock.now - origin }

  private func exchange<Answer>(
    _ request: TensorFrame, read: (TensorFrame) throws -> Answer
  ) throws -> Answer {
    let child = try serving()
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

  /// The process, ready for a request.
  private func serving() throws -> AdapterChild {
    switch life.call(at: now) {
    case .serve:
      guard let child else { throw fail(AdapterChild.Ending.ended("it is gone"), nil, during: "serving") }
      child.begin()
      return child
    case .start: return try start()
    case .greet(let left): return try greet(within: left)
    case .expire:
      throw fail(
        AdapterFailure(.timedOut, "it did not answer the greeting within \(settings.startDeadline)"), child,
        during: "hello")
    case .refuse(let wait):
      throw AdapterFailure(
        .backingOff, "the adapter failed \(life.failures) times; it restarts in \(wait.milliseconds) ms",
        details: lastFailure)
    case .refuseForGood:
      guard life.state != .closed else { throw AdapterFailure(.closed, "the adapter was closed") }
      throw AdapterFailure(
        .givenUp, "the adapter failed \(life.failures) times in a row and was given up", details: lastFailure,
        remedy: "Mend it, then restart the function; the fast path goes on with what it has.")
    }
  }

  private func start() throws -> AdapterChild {
    do {
      let child = try AdapterChild(settings, spawner: spawner, log: log)
      self.child = child
      log.info("adapter started", metadata: ["pid": "\(child.identifier)", "start": "\(life.starts)"])
      calls += 1
      let hello = try Greeting.frame(network, settings: settings, identifier: calls)
      do {
        try child.send(try hello.encoded(), until: .now + settings.startPatience)
      } catch AdapterChild.Ending.deadline {
        throw AdapterFailure(.timedOut, "it does not read the greeting")
      }
    } catch {
      throw fail(error, child, during: "start")
    }
    return try greet(within: settings.startDeadline)
  }

  /// Waits a while for the answer to the greeting; a process that is only slow is asked again later.
  private func greet(within left: Duration) throws -> AdapterChild {
    guard let child else { throw fail(AdapterChild.Ending.ended("it is gone"), nil, during: "hello") }
    child.begin()
    do {
      let answer = try self.answer(child, identifier: calls, until: .now + min(left, settings.startPatience))
      try Greeting.check(answer)
    } catch AdapterChild.Ending.deadline {
      guard left > settings.startPatience else {
        throw fail(
          AdapterFailure(.timedOut, "it did not answer the greeting within \(settings.startDeadline)"), child,
          during: "hello")
      }
      throw AdapterFailure(.starting, "the adapter is still starting", remedy: "Ask again.")
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
        log.debug("adapter: \(frame.text("message") ?? "")", metadata: ["figures": "\(Self.figures(frame))"])
      case "error":
        throw AdapterFailure(
          .refused, frame.text("message") ?? "the adapter failed", details: frame.text("traceback") ?? "")
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
      cause.code, "adapter, \(request): \(cause.message); \(next)", details: details, remedy: cause.remedy)
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
