import MedullaBase

/// What runs a whole model file on tensors that lie in memory of its device, such as ONNX Runtime.
package protocol Engine: Sendable {
  /// What commands call it: lower case, words joined by `-`.
  var name: String { get }
  /// One line for people, with the library's version where it is there.
  var summary: String { get }
  /// Why it cannot run on this machine, with what to do about it; nil where it can.
  var obstacle: EngineError? { get }
  /// Where its tensors lie.
  var device: TensorDevice { get }

  /// Reads a model (ONNX). What it loaded before stays usable.
  ///
  /// - Throws: `unavailable` where `obstacle` says why, or where it cannot do what the options ask for;
  ///   `badModel`; `badOption`.
  func load(_ model: EngineModel, options: EngineOptions) throws(EngineError) -> any LoadedModel
}

/// A model that is ready to run. One caller at a time.
package protocol LoadedModel: AnyObject {
  var inputs: [TensorDescription] { get }
  var outputs: [TensorDescription] { get }

  /// Runs on the caller's memory, without a copy of inputs, and returns when the outputs are written.
  ///
  /// - Throws: `wrongSize` when a tensor's shape or type is not what the model takes; what the engine says.
  func run(inputs: [TensorView], outputs: [TensorView]) throws(EngineError)
}

/// Where a model is read from.
package enum EngineModel: Hashable, Sendable {
  case file(String)
  case bytes([UInt8])

  /// What errors call it.
  var title: String {
    switch self {
    case .file(let path): path
    case .bytes(let bytes): "a model of \(bytes.count) bytes"
    }
  }
}

package struct EngineOptions: Hashable, Sendable {
  package static let threadLimit = 1_024

  /// Threads of one inference; nil: the engine's own choice.
  package var threads: Int?
  /// Whether an engine's threads sleep while they wait for work. Spinning answers sooner, and takes the
  /// processor from whoever receives. Engines whose threads sleep anyway do not mind.
  package var threadsSleep = false
  /// Computes in bfloat16. An engine or a processor that cannot refuses to load.
  package var isReducedPrecision = false

  package init() {}

  package init(threads: Int?) { self.threads = threads }

  func check() throws(EngineError) {
    guard let threads, !(1...Self.threadLimit).contains(threads) else { return }
    throw EngineError(
      .badOption, "an inference cannot have \(threads) threads",
      remedy: "give 1 to \(Self.threadLimit), or leave the choice to the engine")
  }
}
