import Foundation
import Testing

@Suite("The build's hygiene")
struct BuildHygieneTests {
  private func run(_ arguments: [String]) throws -> (status: Int32, output: Data) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.currentDirectoryURL = SourceTree.root
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, data)
  }

  private func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-house-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  static let root = SourceTree.root.path
  static let logs: [(line: String, fails: Bool)] = [
    ("\(root)/Sources/MedullaBase/A.swift:1:2: warning: never used", true),
    ("\(root)/Tests/ATests/A.swift:10:20: warning: never used", true),
    ("\(root)/Sources/CHost/host.c:1:2: warning: unused variable 'a' [-Wunused-variable]", true),
    ("\(root)/.build/checkouts/GRDB.swift/Sources/GRDB/A.swift:1:2: warning: deprecated", false),
    ("\(root)/Sources/MedullaBase/A.swift:1:2: error: no such thing", false),
    ("/usr/include/a.h:1:2: warning: never used", false),
    ("[1/2] Compiling MedullaBase A.swift", false),
  ]

  @Test("CI fails on a warning in our own sources, not on those of dependencies", arguments: logs)
  func warnings(line: String, fails: Bool) throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let log = folder.appendingPathComponent("log")
    try Data("Building for debugging...\n\(line)\nBuild complete!\n".utf8).write(to: log)
    let result = try run(["scripts/warnings.sh", log.path])
    #expect(result.status == (fails ? 1 : 0))
    #expect(String(decoding: result.output, as: UTF8.self).contains(line) == fails)
  }

  @Test("another package can depend on this one: its manifest asks for no unsafe flags")
  func dependable() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let dump = try run([
      "env", "-u", "MEDULLA_OPTIMIZE", "swift", "package", "--package-path", SourceTree.root.path,
      "--scratch-path", folder.path,
      "dump-package",
    ])
    #expect(dump.status == 0)
    let manifest = String(decoding: dump.output, as: UTF8.self)
    #expect(manifest.contains("\"medullad\""))
    #expect(!manifest.contains("unsafeFlags"))
  }
}
