import Foundation
import MedullaModel
import TestbedLink

/// A network that looks at one value of its input, written as ONNX: what is left of a run is the transfer.
package struct TransferNetwork {
  private let scratch: ScratchDirectory
  package let path: String

  /// - Parameter bytes: of its input, a multiple of four.
  package init(bytes: Int) throws {
    let values = bytes / 4
    let network = try Network(
      name: "transfer", inputShape: TensorShape([1, 1, values]),
      layers: [
        .pool(
          Pool(
            kind: .max, kernel: Extent(height: 1, width: 1), strides: Extent(height: 1, width: values)))
      ])
    scratch = try ScratchDirectory("transfer-\(UInt32.random(in: 0...UInt32.max))")
    path = scratch.path("transfer.onnx")
    try ONNXWriter.write(network, to: path)
  }
}
