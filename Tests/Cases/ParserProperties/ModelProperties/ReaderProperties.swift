import Foundation
import MedullaModel

/// What holds for the model readers on any bytes at all. The fuzz targets and the replaying tests share it.
///
/// Each function gives nil, or what was violated. A trap is a violation by itself.
package enum ReaderProperties {
  /// Bytes are refused with an error, or give a network that runs, and that leaves and comes back equal.
  package static func onnx(_ bytes: Data) -> String? {
    let external: ONNXReader.ExternalData = { (_, offset: Int, length: Int?) throws(ModelError) -> Data in
      // The model's own bytes stand for its data files.
      let size = length ?? max(0, bytes.count - offset)
      guard offset <= bytes.count, size <= bytes.count - offset else {
        throw ModelError(.missingData, "external data ends early")
      }
      return bytes.dropFirst(offset).prefix(size)
    }
    guard let network = try? ONNXReader.read(bytes, external: external) else { return nil }
    return check(network)
  }

  /// Up to the first 0xFF 0xFE the bytes are the weights file, from there the layer list.
  package static func safetensors(_ bytes: Data) -> String? {
    let mark = bytes.firstRange(of: Data([0xFF, 0xFE]))
    let weights = Data(bytes[..<(mark?.lowerBound ?? bytes.endIndex)])
    if let file = try? SafetensorsFile(weights) {
      for name in file.names.prefix(64) {
        guard let tensor = try? file.tensor(name) else { continue }
        if TensorShape(tensor.shape).checkedCount != tensor.values.count {
          return "tensor \(name) has \(tensor.values.count) values of shape \(tensor.shape)"
        }
      }
    }
    let layers = mark.map { Data(bytes[$0.upperBound...]) } ?? Data()
    guard let network = try? SafetensorsReader.read(weights: weights, layers: layers) else { return nil }
    return check(network, isCanonical: false)
  }

  private static func check(_ network: Network, isCanonical: Bool = true) -> String? {
    let sizes = [network.inputShape.count] + network.layerShapes.map(\.count)
    if network.layers.count <= 64, sizes.allSatisfy({ $0 <= 4096 }), work(network) < 1 << 20 {
      let output = try? FloatReference(network).run([Float](repeating: 0.5, count: sizes[0]))
      if output?.count != network.outputShape.count { return "the network does not run" }
    }
    guard let written = try? ONNXWriter.data(network) else { return nil }
    do {
      let again = try ONNXReader.read(written)
      return !isCanonical || again == network ? nil : "the network changed on its way through ONNX"
    } catch {
      return "what was written cannot be read: \(error)"
    }
  }

  /// Window elements looked at, so that a small file cannot ask for hours.
  private static func work(_ network: Network) -> Int {
    var total = 0
    for (layer, shape) in zip(network.layers, network.layerShapes) {
      switch layer {
      case .convolution(let convolution):
        total += convolution.weights.count * shape.count / convolution.outputChannels
      case .pool(let pool):
        total += shape.count * min(pool.kernel.height * pool.kernel.width, 1 << 20)
      default: total += shape.count
      }
    }
    return total
  }
}
