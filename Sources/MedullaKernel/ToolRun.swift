import Foundation

/// What a tool left behind.
struct ToolRun: Sendable {
  let status: Int32
  let standardOutput: String
  let standardError: String

  /// Runs a program to its end, with both outputs kept.
  static func run(
    _ path: String, _ arguments: [String], directory: String? = nil
  ) throws(KernelError) -> ToolRun {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent(
      "medulla-\(UUID().uuidString)")
    let output = Pipe()
    do {
      // Errors go to a file, so that a tool that fills one pipe never waits for the other to be read.
      try Data().write(to: scratch)
      defer { try? FileManager.default.removeItem(at: scratch) }
      let errors = try FileHandle(forWritingTo: scratch)
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = output
      process.standardError = errors
      try process.run()
      let text = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      try errors.close()
      return ToolRun(
        status: process.terminationReason == .exit
          ? process.terminationStatus : 128 + process.terminationStatus,
        standardOutput: String(decoding: text, as: UTF8.self),
        standardError: String(decoding: try Data(contentsOf: scratch), as: UTF8.self))
    } catch {
      throw KernelError(.toolchain, "run \(path)", cause: "\(error)")
    }
  }
}
