import Foundation
import TestbedLink

/// A network in 8 bits as ONNX Runtime's own tools make it.
package enum StaticQuantization {
  private static let patience = Duration.seconds(300)

  /// - Parameters:
  ///   - calibration: inputs (.npy), the network's shape each.
  ///   - python: an interpreter with onnx, ONNX Runtime and NumPy.
  /// - Throws: `missingProgram` where those are not there; what the tool says.
  package static func run(_ model: String, calibration: String, to path: String, python: String) throws {
    guard (try? ChildProcess.run([python, "-c", "import onnxruntime.quantization"], within: patience)) != nil
    else {
      throw TestbedError(
        .missingProgram, "The interpreter \(python) cannot import onnxruntime.quantization.",
        remedy: "Run `make setup`, or name an interpreter that has it in MEDULLA_PYTHON.")
    }
    let scratch = try ScratchDirectory("quantization-\(UInt32.random(in: 0...UInt32.max))")
    let script = scratch.path("static_int8.py")
    try Data(NFSources.staticInteger.utf8).write(to: URL(fileURLWithPath: script))
    try ChildProcess.run(
      [python, script, model, calibration, path], environment: ["PYTHONDONTWRITEBYTECODE": "1"],
      within: patience)
  }
}
