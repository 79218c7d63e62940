import Foundation
import Glibc
import MedullaAdaptation
import MedullaCompile
import MedullaDatapath
import MedullaKernel
import MedullaModel
import MedullaSnapshot
import Testing

@testable import MedullaControl

/// What tests with a real daemon need.
enum DaemonTestHost {
  static let reason: Comment = "needs root, a kernel with TCP struct_ops, and clang"

  static let isUsable: Bool = {
    if ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1" { return true }
    let needed = ["privileges", "btf", "struct_ops", "clang"]
    return Doctor().examine().checks.allSatisfy { $0.ok || !needed.contains($0.name) }
  }()

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
}

/// A state directory, a bundle, a configuration and the daemons that run on it.
final class DaemonFolder {
  let path: String
  let name: String
  var socket: String { path + "/c.sock" }
  private var processes: [Process] = []

  init(_ letter: String) throws {
    name = "c\(letter)-\(getpid() % 100_000_000)"
    path = NSTemporaryDirectory() + "medulla-daemon-\(name)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try writeBundle()
    try configure("")
  }

  /// The shipped network, calibrated on all samples or on the first so many.
  func writeBundle(samples count: Int = .max) throws {
    try? FileManager.default.removeItem(atPath: path + "/a.medulla")
    let network = try ONNXReader.read(contentsOf: DaemonTestHost.root + "/models/aurora-medulla.onnx")
    let calibration = DaemonTestHost.root + "/models/aurora-medulla-calibration.npy"
    let samples = Array(try SampleFile.read(calibration, elements: 30).prefix(count))
    let measured = Calibration(samples: samples)
    let snapshot = try Quantizer().quantize(network, measured)
    let file = try SnapshotFile(snapshot)
    _ = try SnapshotBundle.write(file, to: path + "/a.medulla") { folder in
      try ONNXWriter.write(network, to: folder.path + "/" + SnapshotBundle.modelName)
      try FileManager.default.copyItem(
        atPath: calibration, toPath: folder.path + "/" + SnapshotBundle.calibrationName)
      let programs = folder.path + "/" + SnapshotBundle.programsName
      try FileManager.default.createDirectory(atPath: programs, withIntermediateDirectories: false)
      try CompiledPrograms.write(
        DatapathSnapshot(compiling: file, name: "a").objects, to: URL(fileURLWithPath: programs))
      return BundleManifest(file, report: try AccuracyReport(snapshot, network, measured), programs: [])
    }
  }

  func configure(_ more: String, function: String = "", bundle: String = "a.medulla") throws {
    let text = """
      daemon:
        socket: "\(socket)"
        state: "\(path)/state"
      \(Self.indented(more, by: 2))
      function:
        - name: "\(name)"
          bundle: \(bundle)
          interval: 20ms
      \(Self.indented(function, by: 4))
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/m.yaml"))
  }

  private static func indented(_ text: String, by count: Int) -> String {
    text.split(separator: "\n").map { String(repeating: " ", count: count) + $0 }.joined(separator: "\n")
  }

  static let program = URL(fileURLWithPath: CommandLine.arguments[0])
    .deletingLastPathComponent().appendingPathComponent("medullad")

  /// Starts the daemon and waits until it answers.
  ///
  /// - Parameters:
  ///   - command: what is started instead, and becomes the daemon.
  ///   - input: its standard input.
  func start(
    environment: [String: String] = [:], command: [String]? = nil, input: FileHandle? = nil
  ) throws -> Process {
    let process = Process()
    process.executableURL = command.map { URL(fileURLWithPath: $0[0]) } ?? Self.program
    process.arguments = command.map { Array($0.dropFirst()) } ?? [path + "/m.yaml"]
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let input { process.standardInput = input }
    let log = path + "/log"
    if !FileManager.default.fileExists(atPath: log) { try Data().write(to: URL(fileURLWithPath: log)) }
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
    try handle.seekToEnd()
    process.standardError = handle
    try process.run()
    processes.append(process)
    let deadline = Date(timeIntervalSinceNow: 60)
    while Date() < deadline, process.isRunning {
      if let report = try? report(), report.process == process.processIdentifier { return process }
      usleep(50_000)
    }
    throw ControlError(.notRunning, "the daemon did not start: \(text)")
  }

  var text: String { (try? String(contentsOfFile: path + "/log", encoding: .utf8)) ?? "" }

  func report() throws -> DaemonReport {
    try ControlClient(path: socket).ask(ControlRequest(.status), as: DaemonReport.self)
  }

  /// The function as the daemon tells of it.
  func state() throws -> RunnerState {
    guard let state = try report().functions.first?.state else {
      throw ControlError(.unknownFunction, "the daemon has no function")
    }
    return state
  }

  /// Ends a daemon as a crash does.
  func crash(_ process: Process) {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Waits until the condition holds; an error is as good as false.
  static func waits(_ seconds: Double = 30, _ condition: () throws -> Bool) -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while Date() < deadline {
      if (try? condition()) == true { return true }
      usleep(50_000)
    }
    return false
  }

  deinit {
    for process in processes where process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    try? Instance(name).detach()
    try? FileManager.default.removeItem(atPath: path)
  }
}
