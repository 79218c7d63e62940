import Foundation
import MedullaBase
import MedullaModel

/// The float meaning of a network, in Swift alone: slow, on any machine, for what others are compared with.
///
/// It takes what the project's reader of ONNX does: chains of layers with one input and one output.
package struct ReferenceEngine: Engine {
  package let name = "reference"
  package let summary = "the project's own float reference, slow, for comparisons"
  package let obstacle: EngineError? = nil
  package let device = TensorDevice.host

  package init() {}

  package func load(
    _ model: EngineModel, options: EngineOptions
  ) throws(EngineError) -> any LoadedModel {
    try options.check()
    guard !options.isReducedPrecision else {
      throw EngineError(
        .unavailable, "the reference computes in float32", remedy: "leave reduced precision out")
    }
    do throws(ModelError) {
      switch model {
      case .file(let path): return ReferenceModel(try ONNXReader.read(contentsOf: path))
      case .bytes(let bytes): return ReferenceModel(try ONNXReader.read(Data(bytes)))
      }
    } catch {
      throw EngineError(
        .badModel, "the reference cannot read \(model.title)", cause: error.message, remedy: error.remedy)
    }
  }
}

/// A network as the reference runs it: one input after the other of a batch.
private final class ReferenceModel: LoadedModel {
  let inputs: [TensorDescription]
  let outputs: [TensorDescription]
  private let reference: FloatReference

  init(_ network: Network) {
    reference = FloatReference(network)
    inputs = [Self.tensor(network.inputName, network.inputShape)]
    outputs = [Self.tensor(network.outputName, network.outputShape)]
  }

  private static func tensor(_ name: String, _ shape: TensorShape) -> TensorDescription {
    TensorDescription(name: name, element: .float32, shape: [nil] + shape.dimensions)
  }

  /// What counts is that both sides have the elements of the same number of samples: whether a model has an
  /// axis of the batch is not known here.
  func run(inputs read: [TensorView], outputs written: [TensorView]) throws(EngineError) {
    try inputs.map(\.ofAnyShape).check(read, "input", .host)
    try outputs.map(\.ofAnyShape).check(written, "output", .host)
    let (taken, given) = (reference.network.inputShape.count, reference.network.outputShape.count)
    guard let from = floats(read), let to = floats(written), from.count.isMultiple(of: taken),
      from.count / taken * given == to.count
    else {
      throw EngineError(
        .wrongSize,
        "the network takes \(taken) values and gives \(given), for each sample; it is given "
          + (read + written).map(\.text).joined(separator: " and "))
    }
    do throws(ModelError) {
      for sample in 0..<from.count / taken {
        let output = try reference.run(Array(from[sample * taken..<(sample + 1) * taken]))
        for (index, value) in output.enumerated() { to[sample * given + index] = value }
      }
    } catch {
      throw EngineError(.failed, error.message, remedy: error.remedy)
    }
  }

  private func floats(_ views: [TensorView]) -> UnsafeMutableBufferPointer<Float>? {
    guard let view = views.first, let pointer = view.pointer else { return nil }
    let bytes = UnsafeMutableRawBufferPointer(start: pointer, count: view.byteCount)
    return bytes.assumingMemoryBound(to: Float.self)
  }
}

extension TensorDescription {
  fileprivate var ofAnyShape: TensorDescription {
    TensorDescription(name: name, element: element, shape: [])
  }
}
