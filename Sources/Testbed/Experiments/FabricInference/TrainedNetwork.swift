import Foundation
import MedullaModel
import MedullaSnapshot
import TestbedLink

/// A network of images that `examples/fabric/train.py` has trained, and the set that it is tested with.
struct TrainedNetwork {
  /// Where `make fabric-model` puts mini-AlexNet.
  static let standardFolder = "out/mini-alexnet"

  /// The float network, ONNX.
  let path: String
  let network: Network
  /// In 8 bits.
  let file: SnapshotFile
  /// Pixels of 0 to 255, channel by channel.
  let images: [[Float]]
  /// The class of each image.
  let labels: [Int]

  /// - Throws: `missingProgram` where nothing was trained; what a file is not.
  init(_ folder: String) throws {
    path = "\(folder)/network.onnx"
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw TestbedError(
        .missingProgram, "\(path) is not there.",
        remedy: "`make fabric-model` trains it; --set folder= names another folder.")
    }
    network = try ONNXReader.read(contentsOf: path)
    let elements = network.inputShape.count
    let samples = try SampleFile.read("\(folder)/calibration.npy", elements: elements)
    let quantizer = Quantizer(QuantizerOptions(scheme: .w8a8))
    file = try SnapshotFile(quantizer.quantize(network, Calibration(samples: samples)))
    images = try SampleFile.read("\(folder)/test.npy", elements: elements)
    labels = try String(contentsOfFile: "\(folder)/test-labels.txt", encoding: .utf8).split(separator: "\n")
      .compactMap { Int($0) }
    guard labels.count == images.count else {
      throw TestbedError(
        .unreadableReport, "\(folder) has \(images.count) test images and \(labels.count) labels.",
        remedy: "`make fabric-model` trains the network anew.")
    }
  }

  /// In the features' fixed point.
  func inputs(_ count: Int) -> [[Int64]] { images.prefix(count).map { file.snapshot.shape.fixedPoint($0) } }
}
