import Foundation

/// The built `medulla`, run as a user would from the project's root.
struct MedullaCommandLine {
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String
  }

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The products lie beside the test bundle.
  static var executable: URL {
    URL(fileURLWithPath: CommandLine.arguments[0])
      .deletingLastPathComponent().appendingPathComponent("medulla")
  }

  /// Runs `medulla` with `arguments`.
  static func run(_ arguments: [String], timeout: TimeInterval = 120) throws -> Outcome {
    try launch(executable, arguments, timeout: timeout)
  }

  /// Runs any tool by its name.
  static func tool(_ arguments: [String], timeout: TimeInterval = 120) throws -> Outcome {
    try launch(URL(fileURLWithPath: "/usr/bin/env"), arguments, timeout: timeout)
  }

  /// Runs a shell line in which `bin/medulla` means the built product.
  static func shell(_ line: String, timeout: TimeInterval = 120) throws -> Outcome {
    try launch(URL(fileURLWithPath: "/bin/bash"), ["-c", script(line)], timeout: timeout)
  }

  /// What a shell is given of such a line.
  static func script(_ line: String) -> String {
    let text = line.replacingOccurrences(of: "bin/medulla", with: executable.path)
    // What goes on in the background must not hold what `Process` sees its child's end by.
    let apart = "for each in /proc/$$/fd/*; do n=${each##*/}; [ $n -gt 2 ] && eval \"exec $n>&-\"; done; "
    return line.hasSuffix("&") ? apart + text : text
  }

  private static func launch(_ tool: URL, _ arguments: [String], timeout: TimeInterval) throws -> Outcome {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-command-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let output = folder.appendingPathComponent("output")
    let errors = folder.appendingPathComponent("errors")
    for file in [output, errors] { try Data().write(to: file) }
    let process = Process()
    process.executableURL = tool
    process.arguments = arguments
    process.currentDirectoryURL = root
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    let deadline = Date(timeIntervalSinceNow: timeout)
    while process.isRunning, Date() < deadline { Thread.sleep(forTimeInterval: 0.02) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus,
      output: try String(contentsOf: output, encoding: .utf8),
      errors: try String(contentsOf: errors, encoding: .utf8))
  }
}
