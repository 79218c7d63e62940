import Foundation
import SwiftProtobuf

/// Writes a network as an ONNX model that ONNX Runtime and every other reader understands.
///
/// Opset 17, float32, weights inside the file, a symbolic batch dimension before the network's own.
/// Reading the file again gives an equal network, except that rearrangements in a row become one and one
/// that changes nothing is left out. The same network gives the same bytes.
package enum ONNXWriter {
  /// The opset of the models that are written.
  package static let opset = 17

  /// - Throws: `io` when the file cannot be written; what `data(_:)` throws.
  package static func write(_ network: Network, to path: String) throws(ModelError) {
    try ModelFile.write(try data(network), to: path)
  }

  /// The bytes of the model file.
  ///
  /// - Throws: `malformedFile` when input and output bear one name, or none, which ONNX cannot express.
  package static func data(_ network: Network) throws(ModelError) -> Data {
    guard !network.inputName.isEmpty, !network.outputName.isEmpty, network.inputName != network.outputName
    else {
      throw ModelError(
        .malformedFile,
        "network \(network.name) calls its input \"\(network.inputName)\" and its output "
          + "\"\(network.outputName)\"; ONNX needs two names")
    }
    var builder = ONNXGraphBuilder(network)
    for (layer, shape) in zip(network.layers, network.layerShapes) { builder.append(layer, shape) }
    let graph = builder.finish()
    let model = ONNXModelProto.with {
      $0.irVersion = 8
      $0.producerName = "medulla"
      $0.opsetImport = [.with { $0.version = Int64(opset) }]
      $0.graph = graph
    }
    do {
      return try model.serializedData()
    } catch {
      throw ModelError(.io, "network \(network.name) cannot be encoded: \(error)")
    }
  }
}
