import Foundation
import TestbedLink

/// Networks of known shapes with drawn weights, written as ONNX by a Python program: they have the size and
/// the times of the trained ones that they are named after, and their answers mean nothing.
package final class SeededNetworks {
  package enum Name: String, Sendable {
    /// VGG-11 at 224×224.
    case vgg11
    /// The layers of Tiny YOLO v2 at 416×416.
    case tinyYolo = "tiny_yolo"

    /// Bytes of an image: float32, channel by channel.
    package var imageBytes: Int {
      switch self {
      case .vgg11: 3 * 224 * 224 * 4
      case .tinyYolo: 3 * 416 * 416 * 4
      }
    }
  }

  private static let patience = Duration.seconds(300)
  private let scratch: ScratchDirectory

  /// - Parameter python: an interpreter with onnx and NumPy.
  package init(_ names: [Name], python: String, seed: UInt64) throws {
    scratch = try ScratchDirectory("networks-\(UInt32.random(in: 0...UInt32.max))")
    let script = scratch.path("seeded_models.py")
    try Data(NFSources.seededModels.utf8).write(to: URL(fileURLWithPath: script))
    guard (try? ChildProcess.run([python, "-c", "import onnx, numpy"])) != nil else {
      throw TestbedError(
        .missingProgram, "The interpreter \(python) cannot import onnx and NumPy.",
        remedy: "Run `make setup`, or name an interpreter that has them in MEDULLA_PYTHON.")
    }
    try ChildProcess.run(
      [python, script, scratch.path("models"), "--seed", "\(seed)"] + names.map(\.rawValue),
      environment: ["PYTHONDONTWRITEBYTECODE": "1"], within: Self.patience)
  }

  package func path(_ name: Name) -> String { scratch.path("models/\(name.rawValue).onnx") }
}
