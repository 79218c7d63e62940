import Foundation

extension Network {
  /// Reads a network from a model file, by its extension: `.onnx` or `.safetensors`.
  ///
  /// - Parameters:
  ///   - layers: the layer list of a safetensors file; by default `NAME.layers.json` beside
  ///     `NAME.safetensors`, else `layers.json` in the same directory.
  ///   - output: the output to read up to; needed for an ONNX graph that has several.
  /// - Throws: what the format's reader throws; `missingData` when there is no such output; `unsupportedType`
  ///   for another extension.
  package static func read(
    contentsOf path: String, layers: String? = nil, output: String? = nil
  ) throws(ModelError) -> Network {
    let url = URL(fileURLWithPath: path)
    switch url.pathExtension.lowercased() {
    case "onnx": return try ONNXReader.read(contentsOf: path, output: output)
    case "safetensors":
      let own = url.deletingPathExtension().appendingPathExtension("layers.json").path
      let common = url.deletingLastPathComponent().appendingPathComponent("layers.json").path
      let found = FileManager.default.fileExists(atPath: own) ? own : common
      let network = try SafetensorsReader.read(weights: path, layers: layers ?? found)
      guard output == nil || output == network.outputName else {
        throw ModelError(
          .missingData, "the layer list has no output \(output ?? "")",
          remedy: "It has: \(network.outputName).")
      }
      return network
    default:
      throw ModelError(
        .unsupportedType, "\(path) is neither .onnx nor .safetensors",
        remedy:
          "Export the network as ONNX, opset 17."
      )
    }
  }
}
