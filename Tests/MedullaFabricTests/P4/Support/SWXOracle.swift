import Foundation
import MedullaFabric
import Testing

/// DPDK's software switch with a specification in it, as a process of its own.
final class SWXOracle {
  static let reason: Comment = "needs root, cc, pkg-config and libdpdk"

  /// With MEDULLA_REQUIRE_DPDK=1 such tests run, and fail where there is none.
  static let isUsable: Bool = {
    if ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_DPDK"] == "1" { return true }
    return geteuid() == 0
      && (try? run("/bin/sh", ["-c", "command -v cc && pkg-config --exists libdpdk"]))?.status == 0
  }()

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-swx-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("swx_oracle.c").path
    let built = try Self.run(
      "/bin/sh",
      [
        "-c",
        "cc -O1 -Wall -Werror -DALLOW_EXPERIMENTAL_API $(pkg-config --cflags libdpdk) \"$0\" -o \"$1\" "
          + "$(pkg-config --libs libdpdk)", source, folder.appendingPathComponent("swx").path,
      ])
    guard built.status == 0 else { throw Failure(description: built.errors) }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// What goes out when these frames come in, in this order.
  ///
  /// - Parameter batch: frames that come in at once, before there is time for them.
  func cells(
    _ specification: String, _ frames: [[UInt8]], batch: Int
  ) throws -> [FabricCell] {
    let bytes = try #require(frames.first?.count)
    let (text, input) = (folder.appendingPathComponent("n.spec"), folder.appendingPathComponent("frames"))
    try Data(specification.utf8).write(to: text)
    try Data(frames.joined()).write(to: input)
    let outcome = try Self.run(
      folder.appendingPathComponent("swx").path, [text.path, input.path, "\(bytes)", "\(batch)"])
    guard outcome.status == 0 else { throw Failure(description: outcome.errors) }
    return try stride(from: 0, to: outcome.output.count, by: bytes).map {
      try FabricCell(Array(outcome.output[$0..<$0 + bytes]))
    }
  }

  private static func run(
    _ program: String, _ arguments: [String]
  ) throws -> (status: Int32, output: [UInt8], errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    let words = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, Array(data), String(decoding: words, as: UTF8.self))
  }
}
