import Foundation
import SwiftProtobuf

/// Reads a trained network from an ONNX model of opset 7 to 21.
///
/// The graph must be a chain: one input, one output (or one chosen by name), no branches that compute. What
/// only rearranges, scales or shifts is folded, so the network that comes out has the fewest layers. A batch
/// axis may be symbolic, 1, or absent; the network is that of one input. What cannot be read is refused with
/// the node's name, its operator, the opset and what would help.
///
/// Weights of 16 or 64 bits become float32, and so do the sums of a graph that computes in 16 bits.
package enum ONNXReader {
  /// The opset versions of the default operator domain that are understood.
  package static let opsets = 7...21

  /// Gives the bytes of an external data file: `location` as the model states it, `offset` in bytes, and
  /// `length` in bytes or nil for all that follows.
  package typealias ExternalData =
    (_ location: String, _ offset: Int, _ length: Int?) throws(ModelError) -> Data

  /// Reads a model file; external data is looked for beside it.
  ///
  /// - Parameter output: the graph output to read up to; needed only when the graph has several.
  /// - Throws: `io` when the file cannot be read, else what `read(_:name:output:external:)` throws.
  package static func read(contentsOf path: String, output: String? = nil) throws(ModelError) -> Network {
    let data = try ModelFile.read(path)
    let url = URL(fileURLWithPath: path)
    let directory = ExternalDataDirectory(url.deletingLastPathComponent().path)
    return try read(
      data, name: url.deletingPathExtension().lastPathComponent, output: output, external: directory.read)
  }

  /// Reads a model from its bytes.
  ///
  /// - Parameters:
  ///   - name: what to call the network when the graph has no name of its own.
  ///   - output: the graph output to read up to; needed only when the graph has several.
  ///   - external: gives external data; by default there is none.
  /// - Throws: `malformedFile` when the bytes are no ONNX model or contradict themselves; `unsupported…` with
  ///   the node by name; `missingData` for absent weights; `shapeMismatch` when sizes do not fit.
  package static func read(
    _ data: Data, name: String = "network", output: String? = nil,
    external: @escaping ExternalData = refuseExternalData
  ) throws(ModelError) -> Network {
    let model: ONNXModelProto
    do {
      model = try ONNXModelProto(serializedBytes: data)
    } catch {
      throw ModelError(
        .malformedFile, "the file is not an ONNX model: \(error)",
        remedy:
          "Is the file complete? `python -c 'import onnx; onnx.checker.check_model(FILE)'` tells.")
    }
    guard model.hasGraph else {
      throw ModelError(.malformedFile, "the ONNX model holds no graph", remedy: "Export the model again.")
    }
    let opset = try opset(of: model)
    let interface = try ONNXInterface(model.graph, output: output)
    var lowering = try ONNXLowering(
      graph: model.graph, opset: opset, interface: interface, external: external)
    let layers = try lowering.run()
    return try Network(
      name: model.graph.name.isEmpty ? name : model.graph.name, inputName: interface.inputName,
      outputName: interface.outputName, inputShape: interface.inputShape, layers: layers)
  }

  /// The loader of a model that has no files beside it.
  package static func refuseExternalData(
    _ location: String, _ offset: Int, _ length: Int?
  ) throws(ModelError) -> Data {
    throw ModelError(
      .missingData, "the model keeps tensors in the file \(location), which is not at hand",
      remedy: "Read the model from its directory, or save it with its weights inside.")
  }

  private static func opset(of model: ONNXModelProto) throws(ModelError) -> Int {
    let versions = Set(model.opsetImport.filter { ["", "ai.onnx"].contains($0.domain) }.map(\.version))
    guard versions.count == 1, let version = versions.first else {
      throw ModelError(
        .malformedFile,
        "the model imports \(versions.count) versions of the default operator set; one is needed")
    }
    guard let opset = Int(exactly: version), opsets.contains(opset) else {
      throw ModelError(
        .unsupportedOpset,
        "the model uses opset \(version); \(opsets.lowerBound) to \(opsets.upperBound) are supported",
        remedy: "Export with another opset_version, or convert with onnx.version_converter.")
    }
    return opset
  }
}
