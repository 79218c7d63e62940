import MedullaFrames
import MedullaLabels
import MedullaLearning
import MedullaSnapshot

/// The other side of `ProcessLabelingAgent`: answers questions about flows by an agent of this process.
///
/// Requests: `hello`, `label`, `close`. Each has an answer. What cannot be answered has an `error`, and the
/// service goes on; bytes that are no frame end it. Lengths are bounded by `FrameLimits`, before their bytes
/// are there. Used from one thread.
package final class LabelServer {
  /// What the other side says at the beginning.
  package struct Greeting {
    package let function: String
    package let schema: LabelSchema
    package let options: [String: FrameValue]
  }

  private let channel: any EnvironmentChannel
  private let make: (Greeting) throws -> any LabelingAgent
  private var serving: (agent: any LabelingAgent, schema: LabelSchema)?

  /// - Parameters:
  ///   - channel: frames in both directions.
  ///   - make: makes the agent when the other side has said of what labels are; it may fail, and is asked
  ///     again with the next greeting.
  package init(_ channel: any EnvironmentChannel, make: @escaping (Greeting) throws -> any LabelingAgent) {
    (self.channel, self.make) = (channel, make)
  }

  /// Serves until the other side closes; the agent is closed then.
  ///
  /// - Throws: `FrameError` when it breaks the protocol or goes away inside a frame.
  package func serve() throws(FrameError) {
    defer { serving?.agent.close() }
    while let request = try channel.receive() {
      do {
        try channel.send(try answer(request))
      } catch let error as FrameError where error.code == .io {
        throw error
      } catch {
        try channel.send(Self.refusal(of: request, error))
      }
      if request.text("request") == "close" { return }
    }
  }

  private func answer(_ request: TensorFrame) throws -> TensorFrame {
    var answer: TensorFrame
    switch request.text("request") {
    case "hello": answer = try greet(request)
    case "label": answer = try label(request)
    case "close": answer = TensorFrame([:])
    default:
      throw AdapterFailure(.badRequest, "an unknown request", remedy: "It is hello, label or close.")
    }
    answer.fields["answer"] = "ok"
    answer.fields["id"] = request.fields["id"]
    return answer
  }

  private func greet(_ request: TensorFrame) throws -> TensorFrame {
    guard serving == nil else { throw AdapterFailure(.badRequest, "a second greeting") }
    let greeting = try LabelFrame.readGreeting(request)
    serving = (try make(greeting), greeting.schema)
    return LabelFrame.greetingAnswer
  }

  private func label(_ request: TensorFrame) throws -> TensorFrame {
    guard let (agent, schema) = serving else {
      throw AdapterFailure(.badRequest, "a question before the greeting", remedy: "Say hello first.")
    }
    return LabelFrame.encode(try agent.label(try LabelFrame.readRequests(request, schema)))
  }

  private static func refusal(of request: TensorFrame, _ error: any Error) -> TensorFrame {
    var fields: [String: FrameValue] = ["answer": "error", "message": .text("\(error)")]
    fields["id"] = request.fields["id"]
    return TensorFrame(fields)
  }
}
