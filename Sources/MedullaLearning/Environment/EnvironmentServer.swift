import CMedullaABI
import MedullaFrames

/// Plays episodes of the congestion environment for a program on the other side of a channel.
///
/// Requests: `hello`, `reset` (`seed`, `options`), `step` (`action`), `close`. Each has an answer. A wrong
/// request has an `error` and changes nothing; bytes that are no frame end the service.
package final class EnvironmentServer {
  package static let version = 1

  private let channel: any EnvironmentChannel
  /// A `reset` that came in the middle of an episode and begins the next.
  private var pending: TensorFrame?
  private var failure: FrameError?
  private var isClosed = false
  /// Steps that were answered, over all episodes.
  package private(set) var steps = 0

  package init(_ channel: any EnvironmentChannel) { self.channel = channel }

  /// Serves until the other side closes.
  /// - Throws: `FrameError` when it breaks the protocol or goes away inside a frame.
  package func serve() throws(FrameError) {
    while !isClosed {
      let next = if let pending { pending } else { try channel.receive() }
      guard let request = next else { return }
      pending = nil
      switch request.text("request") {
      case "hello": try channel.send(greeting(request))
      case "reset": try episode(request)
      case "step": try refuse(request, "there is no episode", "Reset first.")
      case "close": return try close(request)
      default: try refuse(request, "an unknown request", "It is hello, reset, step or close.")
      }
    }
  }

  private func greeting(_ request: TensorFrame) -> TensorFrame {
    let bounds = CongestionEnvironment.bounds
    return answer(
      to: request,
      ["protocol": FrameValue(Self.version), "observations": FrameValue(bounds.count), "actions": 1],
      tensors: [
        FrameTensor("low", shape: [bounds.count], floats: bounds.map(\.lowerBound)),
        FrameTensor("high", shape: [bounds.count], floats: bounds.map(\.upperBound)),
      ])
  }

  private func episode(_ request: TensorFrame) throws(FrameError) {
    guard let seed = request.fields["seed"]?.count else {
      return try refuse(request, "`seed` must be a whole number, 0 to 2^53", "Draw one.")
    }
    do throws(LearningError) {
      let environment = CongestionEnvironment(
        try EnvironmentOptions(request.fields["options"]?.object ?? [:]))
      var last = request
      try environment.play(seed: UInt64(seed)) { [self] step in
        attempt { () throws(FrameError) in try channel.send(answer(to: last, step)) }
        if last.text("request") == "step" { steps += 1 }
        guard !step.isLast, failure == nil, let (next, action) = nextStep() else { return .leave }
        last = next
        return .act(action)
      }
    } catch {
      try refuse(request, error.message, error.remedy)
    }
    if let failure { throw failure }
  }

  /// The next `step` with its action; nil ends the episode.
  private func nextStep() -> (TensorFrame, Float)? {
    while true {
      var request: TensorFrame?
      attempt { () throws(FrameError) in request = try channel.receive() }
      guard let request, failure == nil else {
        isClosed = true
        return nil
      }
      switch request.text("request") {
      case "step":
        if let action = request.fields["action"]?.number { return (request, Float(action)) }
        attempt { () throws(FrameError) in try refuse(request, "`action` must be a number", "") }
      case "reset", "close":
        pending = request
        return nil
      case "hello": attempt { () throws(FrameError) in try channel.send(greeting(request)) }
      default: attempt { () throws(FrameError) in try refuse(request, "an unknown request", "") }
      }
    }
  }

  /// The agent of an episode cannot throw: the first failure is kept, and ends the service.
  private func attempt(_ body: () throws(FrameError) -> Void) {
    guard failure == nil else { return }
    do throws(FrameError) { try body() } catch { failure = error }
  }

  private func close(_ request: TensorFrame) throws(FrameError) {
    isClosed = true
    try channel.send(answer(to: request, [:]))
  }

  private func refuse(_ request: TensorFrame, _ message: String, _ remedy: String) throws(FrameError) {
    var fields: [String: FrameValue] = [
      "answer": "error", "message": .text(message), "remedy": .text(remedy),
    ]
    fields["id"] = request.fields["id"]
    try channel.send(TensorFrame(fields))
  }

  private func answer(
    to request: TensorFrame, _ fields: [String: FrameValue], tensors: [FrameTensor] = []
  ) -> TensorFrame {
    var fields = fields
    fields["answer"] = "ok"
    fields["id"] = request.fields["id"]
    return TensorFrame(fields, tensors: tensors)
  }

  private func answer(to request: TensorFrame, _ step: CongestionEnvironment.Step) -> TensorFrame {
    func number(_ value: Double) -> FrameValue { .number(value.isFinite ? value : 0) }
    let figures = step.figures
    return answer(
      to: request,
      [
        "reward": number(Double(step.reward)), "truncated": .flag(step.isLast),
        "info": [
          "time": number(figures.time), "throughput": number(figures.throughput),
          "rtt": number(figures.roundTrip), "loss": number(figures.loss), "use": number(figures.use),
          "capacity": number(figures.capacity), "queue": number(figures.queue),
        ],
      ],
      tensors: [
        FrameTensor("observation", shape: [step.observation.count], floats: step.observation)
      ])
  }
}
