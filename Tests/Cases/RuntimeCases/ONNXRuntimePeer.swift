import Foundation
import InferenceCases
import MedullaModel

/// ONNX Runtime, which knows nothing of us: the outputs of networks as they leave in ONNX.
package enum ONNXRuntimePeer {
  package static let reason = "no Python with onnxruntime; `make setup` or MEDULLA_PYTHON gives one"

  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let python =
    ProcessInfo.processInfo.environment["MEDULLA_PYTHON"]
    ?? root.appendingPathComponent(".venv/bin/python").path
  private static let script = root.appendingPathComponent(
    "Tests/MedullaModelTests/Support/onnx_runtime_outputs.py")

  package static var isHere: Bool { FileManager.default.isExecutableFile(atPath: python) }

  /// The outputs for every sample of every case, in order.
  package static func outputs(of cases: [AccuracyCase]) throws -> [[[Float]]] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "medulla-peer-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (index, example) in cases.enumerated() {
      try ONNXWriter.write(example.network, to: folder.path + "/\(index).onnx")
      let bits = example.samples.joined().map(\.bitPattern.littleEndian)
      try bits.withUnsafeBytes { Data($0) }.write(to: folder.appendingPathComponent("\(index).input"))
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [script.path, folder.path]
    try process.run()
    process.waitUntilExit()
    return try cases.indices.map { index in
      let data = try Data(contentsOf: folder.appendingPathComponent("\(index).expected"))
      let values = data.withUnsafeBytes { bytes in
        (0..<bytes.count / 4).map {
          Float(
            bitPattern: UInt32(
              littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
        }
      }
      let size = cases[index].network.outputShape.count
      return stride(from: 0, to: values.count, by: size).map { Array(values[$0..<$0 + size]) }
    }
  }
}
