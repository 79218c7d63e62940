import DatapathCases
import Foundation
import Glibc
import MedullaNF
import Testing

/// Functions in C and Python as a user writes them: over the library and headers that are installed.
@Suite(
  "Functions in other languages", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelLanguagesTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static let python: String = {
    let own = root.appendingPathComponent(".venv/bin/python3").path
    let named = ProcessInfo.processInfo.environment["MEDULLA_PYTHON"]
    return named ?? (FileManager.default.isExecutableFile(atPath: own) ? own : "/usr/bin/env")
  }()

  /// A folder with the library in it.
  private static func withLibrary(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-nf-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try SlowLoopback.run([
      root.appendingPathComponent("scripts/nf-library.sh").path,
      folder.appendingPathComponent("libmedulla_nf.so").path,
    ])
    try body(folder)
  }

  private static func process(
    _ words: [String], in folder: URL, _ environment: [String: String] = [:]
  ) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    try process.run()
    return process
  }

  /// Frames go through a function of that name and then through one that looks at each byte.
  private static func check(_ start: (ChainCase) throws -> Process) throws -> ChainReport {
    var first = ChainFunction(name: "count")
    first.next = .function("last")
    let settings = ChainCase.settings([first, ChainFunction(name: "last")], entries: ["count"])
    let chain = try ChainCase(settings)
    @Sendable func frame(_ number: Int) -> TestFrame {
      TestFrame(number: number, size: 64 + number * 37 % 1_400)
    }
    let last = FunctionThread(chain.path, "last", expecting: frame)
    let process = try start(chain)
    defer {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    #expect(chain.isPresent(["count", "last"]))
    var sent = 0
    for round in 0..<2 {
      for _ in 0..<4 {
        sent += try chain.send((0..<500).map(frame))
        #expect(chain.settled(sent: sent) != nil)
      }
      guard round == 0 else { break }
      // The host ends, and the function goes on with the next one.
      chain.stop()
      last.end()
      try chain.start(settings)
      sent = 0
      #expect(chain.isPresent(["count"]))
      _ = FunctionThread(chain.path, "last", expecting: frame)
      #expect(chain.isPresent(["last"]))
    }
    #expect(eventually { chain.function("count")?.counters.isEmpty == false })
    usleep(300_000)
    let report = try #require(chain.report)
    #expect(last.count == 2_000)
    let broken = last.seen.filter { !$0.isWhole }
    #expect(broken.isEmpty)
    chain.stop()
    #expect(report["count"]?.returned == 2_000 && report["count"]?.forged == 0)
    #expect(report["last"]?.received == 2_000)
    return report
  }

  @Test("the example in C builds without a warning, passes every frame on, and outlives its host")
  func inC() throws {
    try Self.withLibrary { folder in
      let source = Self.root.appendingPathComponent("examples/nf/count.c").path
      let program = folder.appendingPathComponent("count").path
      let include = Self.root.appendingPathComponent("Sources/CMedullaNF/include").path
      try SlowLoopback.run([
        "cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source, "-I\(include)",
        "-L\(folder.path)", "-lmedulla_nf", "-Wl,-rpath,\(folder.path)",
      ])
      let report = try Self.check { try Self.process([program, $0.path, "count"], in: folder) }
      // Over both hosts.
      #expect(report["count"]?.counters["packets"] == 4_000)
    }
  }

  @Test("the example in Python passes every frame on, and outlives its host")
  func inPython() throws {
    try Self.withLibrary { folder in
      let words = Self.python == "/usr/bin/env" ? [Self.python, "python3"] : [Self.python]
      let report = try Self.check { chain in
        try Self.process(
          words + ["-m", "medulla.nf", "brightness:Brightness", chain.path, "count", "--reattaching", "30"],
          in: Self.root.appendingPathComponent("examples/nf"),
          [
            "MEDULLA_NF_LIBRARY": folder.appendingPathComponent("libmedulla_nf.so").path,
            "PYTHONPATH": Self.root.appendingPathComponent("python").path, "PYTHONDONTWRITEBYTECODE": "1",
          ])
      }
      let counters = try #require(report["count"]?.counters)
      let payload = (0..<500).reduce(0) { $0 + 64 + $1 * 37 % 1_400 - 42 } * 8
      #expect(counters["frames"] == 4_000 && counters["payload_bytes"] == UInt64(payload))
      #expect(counters["lost"] == 0)
    }
  }
}
