import Foundation
import MedullaModel
import TestbedLink

/// A network that looks at one value of its input, written as ONNX: what is left of a run is the transfer.
package final class TransferNetwork {
  private let scratch: ScratchDirectory
  package let path: String

  private static let rows = 250

  /// - Parameter bytes: of its input, a multiple of 1,000.
  package init(bytes: Int) throws {
    let columns = bytes / 4 / Self.rows
    let network = try Network(
      name: "transfer", inputShape: TensorShape([1, Self.rows, columns]),
      layers: [
        .pool(
          Pool(
            kind: .max, kernel: Extent(height: 1, width: 1),
            strides: Extent(height: Self.rows, width: columns)))
      ])
    scratch = try ScratchDirectory("transfer-\(UInt32.random(in: 0...UInt32.max))")
    path = scratch.path("transfer.onnx")
    try ONNXWriter.write(network, to: path)
  }
}
