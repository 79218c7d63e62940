import Foundation

extension Network {
  /// Reads a network from a model file, by its extension: `.onnx` or `.safetensors`.
  ///
  /// - Parameters:
  ///   - layers: the layer list of a safetensors file; by default `NAME.layers.json` beside
  ///     `NAME.safetensors`, else `layers.json` in the same directory.
  ///   - output: the output to read up to, for an ONNX graph that has several.
  /// - Throws: what the format's reader throws; `unsupportedType` for another extension.
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
      return try SafetensorsReader.read(weights: path, layers: layers ?? found)
    default:
      throw ModelError(
        .unsupportedType, "\(path) is neither .onnx nor .safetensors",
        remedy:
          "Export the network as ONNX, opset 17."
      )
    }
  }
}
