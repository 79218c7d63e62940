import Foundation
import MedullaBase
import MedullaEngines
import Testing

/// What the tests need of this machine.
enum EngineHost {
  static let noRuntime: Comment = "no ONNX Runtime; `make setup` or MEDULLA_ONNXRUNTIME gives one"
  static let noOpenVINO: Comment = "no OpenVINO; `pip install openvino` or MEDULLA_OPENVINO gives one"
  static let noMagika: Comment = "no Python with magika; `make setup` or MEDULLA_PYTHON gives one"
  static let noModels: Comment = "no Python with onnx; `make setup` or MEDULLA_PYTHON gives one"

  static let root: URL = {
    let support = URL(fileURLWithPath: #filePath).deletingLastPathComponent().resolvingSymlinksInPath()
    return support.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  }()
  static let support = root.appendingPathComponent("Tests/MedullaEnginesTests/Support")

  /// The interpreter that has onnx and onnxruntime: `MEDULLA_PYTHON`, else what `make setup` makes.
  static let python: String =
    ProcessInfo.processInfo.environment["MEDULLA_PYTHON"]
    ?? root.appendingPathComponent(".venv/bin/python").path

  static let search = EngineSearch(folders: [root.path])
  static let runtime = ONNXRuntimeEngine(search: search)
  static let openVINO = OpenVINOEngine(search: search)

  static var hasPython: Bool { FileManager.default.isExecutableFile(atPath: python) }
  static var hasRuntime: Bool { runtime.obstacle == nil }
  /// The folder of magika's network.
  static let fileTypes = FileTypeModel.packaged(search)
  static var hasOpenVINO: Bool { openVINO.obstacle == nil }

  /// The models of `engine_models.py`, and the small ones of the testbed's `seeded_models.py`.
  static let models: Result<TemporaryFolder, any Error> = Result {
    let folder = try TemporaryFolder()
    try run([support.appendingPathComponent("engine_models.py").path, folder.path])
    let seeded = root.appendingPathComponent("Sources/Testbed/NF/python/seeded_models.py").path
    try run([seeded, folder.path, "--seed", "3", "mnist_cnn", "vgg11_small", "tiny_yolo_small"])
    return folder
  }

  static func model(_ name: String) throws -> EngineModel { .file(try models.get().file(name + ".onnx")) }

  /// That what is done over and over leaves nothing in memory. Tests beside it take memory too, but not in
  /// each round.
  static func expectNoGrowth(under limit: Int, of round: () throws -> Void) throws {
    try round()
    var grown: [Int] = []
    while grown.count < 4 {
      let before = try residentPages()
      try round()
      let growth = (try residentPages() - before) * Int(getpagesize())
      if growth < limit { return }
      grown.append(growth)
    }
    Issue.record("each round took memory that stayed: \(grown) bytes")
  }

  /// Of this process, in memory.
  private static func residentPages() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
  }

  /// Runs a program of Python's.
  ///
  /// - Returns: what it printed.
  @discardableResult
  static func run(_ arguments: [String]) throws -> String {
    let child = try ChildProgram([python] + arguments)
    let outcome = try child.finish(within: .seconds(120))
    guard outcome.status == 0 else { throw child.failure(outcome) }
    return outcome.outputText
  }
}

/// A folder that is removed with its owner.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "medulla-engines-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }
}
