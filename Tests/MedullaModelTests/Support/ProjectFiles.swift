import Foundation

/// Where the tests find what is not Swift.
enum ProjectFiles {
  /// The package's root, symbolic links resolved.
  static let root: URL = {
    let support = URL(fileURLWithPath: #filePath).deletingLastPathComponent().resolvingSymlinksInPath()
    return support.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  }()

  static let support = root.appendingPathComponent("Tests/MedullaModelTests/Support")
  static let fuzzCorpus = root.appendingPathComponent("fuzz/corpus")
  static let aurora = root.deletingLastPathComponent().appendingPathComponent(
    "shared/data/models/aurora.onnx")

  static var hasAurora: Bool { FileManager.default.fileExists(atPath: aurora.path) }

  /// The interpreter that has onnx, onnxruntime and numpy: `MEDULLA_PYTHON`, else what `make setup` makes.
  static let python: String =
    ProcessInfo.processInfo.environment["MEDULLA_PYTHON"]
    ?? root.appendingPathComponent(".venv/bin/python").path

  static var hasPython: Bool { FileManager.default.isExecutableFile(atPath: python) }

  /// Runs one of the scripts in `Support/` and gives what it printed, with its exit status.
  static func run(script: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [support.appendingPathComponent(script).path] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}

/// A directory that is removed when its owner goes away.
final class TemporaryDirectory: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-model-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
  }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  func writeFloats(_ values: [Float], _ name: String) throws {
    let data = values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
    try data.write(to: url.appendingPathComponent(name))
  }

  func readFloats(_ name: String) throws -> [Float] {
    let data = try Data(contentsOf: url.appendingPathComponent(name))
    return data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map {
        Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
      }
    }
  }
}
