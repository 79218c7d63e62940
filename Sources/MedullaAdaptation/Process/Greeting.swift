import MedullaFrames
import MedullaLearning
import MedullaModel

/// The first exchange with an adapter's process: what it adapts, and that both speak one protocol.
enum Greeting {
  static let version = 1

  /// Without its id, which the conversation gives.
  static func frame(
    _ network: Network, settings: ProcessSettings
  ) throws(ModelError) -> TensorFrame {
    let (model, tensors) = try NetworkFrame.encode(network)
    return TensorFrame(
      [
        "request": "hello", "protocol": FrameValue(version),
        "function": .text(settings.function), "inputs": FrameValue(network.inputShape.count),
        "outputs": FrameValue(network.outputShape.count),
        "outcomes": .list(settings.outcomes.map { .text($0) }), "options": .object(settings.options),
        "model": model,
      ], tensors: tensors)
  }

  static func check(_ answer: TensorFrame) throws(AdapterFailure) {
    try checkVersion(answer, of: "adapter")
  }

  static func checkVersion(_ answer: TensorFrame, of who: String) throws(AdapterFailure) {
    guard answer.fields["protocol"]?.count == version else {
      let given = answer.fields["protocol"]?.number.map { "\($0)" } ?? "none"
      throw AdapterFailure(
        .malformedAnswer, "the \(who) speaks protocol version \(given), not \(version)",
        remedy: "Install the Python package of this version: `pip install ./python` (medulla-datapath).")
    }
  }
}
