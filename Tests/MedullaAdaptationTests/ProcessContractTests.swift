import Foundation
import Glibc
import MedullaLearning
import MedullaModel
import Testing

@testable import MedullaAdaptation

@Suite("The adapter's contract, kept by processes")
struct ProcessContractTests {
  static let root = ProcessExampleTests.root

  /// An interpreter that has NumPy: the one that `make setup` makes, else the one on PATH.
  static let numpy: String? = {
    let own = root.appendingPathComponent(".venv/bin/python3").path
    return [own, ProcessPeer.python ?? ""].first { interpreter in
      guard FileManager.default.isExecutableFile(atPath: interpreter) else { return false }
      let process = Process()
      process.executableURL = URL(fileURLWithPath: interpreter)
      process.arguments = ["-c", "import numpy"]
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { return false }
      process.waitUntilExit()
      return process.terminationStatus == 0
    }
  }()

  /// As root a user of its own, unless that may not run the interpreter, which may lie in root's home.
  static func isolation(of program: String) -> ProcessIsolation {
    guard let user = ProcessPeer.user else { return ProcessIsolation() }
    var folder = URL(fileURLWithPath: program).resolvingSymlinksInPath()
    while folder.path != "/" {
      folder.deleteLastPathComponent()
      var facts = stat()
      guard stat(folder.path, &facts) == 0, facts.st_mode & S_IXOTH != 0 else {
        return ProcessIsolation(level: .none)
      }
    }
    return ProcessIsolation(user: user)
  }

  static func adapter(_ settings: ProcessSettings, widths: [Int]) throws -> ProcessAdapter {
    var settings = settings
    settings.isolation = isolation(of: settings.command[0])
    settings.environment["PYTHONPATH"] = root.appendingPathComponent("python").path
    settings.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    settings.options = ["target": 0, "scale": 1000, "rate": 0.01, "steps": 30]
    settings.startPatience = .seconds(30)
    settings.deadline = .seconds(30)
    return try ProcessAdapter(settings, network: LearningCases.network(widths), log: ProcessPeer.quiet)
  }

  @Test("the NumPy example keeps the contract", .enabled(if: numpy != nil, "needs NumPy for python3"))
  func python() throws {
    let interpreter = try #require(Self.numpy)
    try AdapterContract.check(teach: LearningCases.labeled(batches: 12), lossFigure: "loss") {
      try Self.adapter(
        .python("medulla.examples.numpy_regression:Regression", interpreter: interpreter), widths: [2, 8, 1])
    }
  }

  @Test(
    "the example in Perl keeps the contract",
    .enabled(if: FileManager.default.isExecutableFile(atPath: ProcessExampleTests.perl), "needs perl"))
  func perl() throws {
    let program = Self.root.appendingPathComponent("examples/adapters/recursive-least-squares.pl").path
    try AdapterContract.check(teach: LearningCases.labeled(batches: 12), lossFigure: "loss") {
      try Self.adapter(ProcessSettings(command: [ProcessExampleTests.perl, program]), widths: [2, 1])
    }
  }

  @Test(
    "what the Python package saves is what `medulla compile` reads",
    .enabled(if: numpy != nil, "needs NumPy for python3"))
  func saved() throws {
    let base = NSTemporaryDirectory() + "medulla-saved-\(getpid())"
    defer { for ending in ["safetensors", "layers.json"] { unlink("\(base).\(ending)") } }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.numpy))
    process.arguments = [
      "-c",
      """
      import sys; from medulla import Network
      network = Network.random([3, 5, 2], "relu", seed=1)
      network.save(sys.argv[1])
      print(*network([[0.5, -1, 2]])[0])
      """, base,
    ]
    process.environment = ProcessInfo.processInfo.environment.merging([
      "PYTHONPATH": Self.root.appendingPathComponent("python").path, "PYTHONDONTWRITEBYTECODE": "1",
    ]) { $1 }
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let expected = text.split(whereSeparator: \.isWhitespace).compactMap { Float($0) }
    let found = try FloatReference(Network.read(contentsOf: base + ".safetensors")).run([0.5, -1, 2])
    #expect(expected.count == 2 && zip(expected, found).allSatisfy { abs($0 - $1) < 1e-5 }, "\(text)")
  }
}
