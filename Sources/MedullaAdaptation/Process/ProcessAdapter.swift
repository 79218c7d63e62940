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
  private let conversation: ProcessConversation
  private var network: Network

  /// - Throws: `AdapterFailure` with `badRequest` when settings or network cannot be used, `notIsolated` when
  ///   the process cannot be kept from what is not its own. A program that does not start is an error of the
  ///   first call.
  package init(_ settings: ProcessSettings, network: Network, log: Logger) throws(AdapterFailure) {
    conversation = try ProcessConversation(settings, log: log)
    guard network.inputShape.rank >= 1, network.outputShape.rank == 1 else {
      throw AdapterFailure(.badRequest, "the network's outputs are no vector: \(network.outputShape)")
    }
    self.settings = settings
    self.network = network
    inputs = network.inputShape.count
    outputs = network.outputShape.count
  }

  /// Starts of the process so far, and its failures in a row.
  package var starts: Int { conversation.starts }
  package var failures: Int { conversation.failures }
  /// The process's id while it runs.
  package var processIdentifier: Int32? { conversation.processIdentifier }

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

  package func close() { conversation.close() }

  /// The process begins with the network that it gave last.
  private func exchange<Answer>(
    _ request: TensorFrame, read: (TensorFrame) throws -> Answer
  ) throws -> Answer {
    try conversation.exchange(
      request, greeting: { [network, settings] in try Greeting.frame(network, settings: settings) },
      check: Greeting.check, read: read)
  }

  private static func figures(_ answer: TensorFrame) -> [String: Double] {
    ProcessConversation.figures(answer)
  }
}
