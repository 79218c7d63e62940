import Foundation
import MedullaFabric
import Testing

/// BMv2 with a program in it: frames come from a capture file for each port, and go to one.
final class BMv2 {
  static let reason: Comment = "needs p4c-bm2-ss, simple_switch and simple_switch_CLI"
  private static let tools = ["p4c-bm2-ss", "simple_switch", "simple_switch_CLI"]

  /// With MEDULLA_REQUIRE_BMV2=1 such tests run, and fail where there is none.
  static let isUsable: Bool = {
    if ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_BMV2"] == "1" { return true }
    return tools.allSatisfy { find($0) != nil }
  }()

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let captureHeader: [UInt8] =
    [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0] + [UInt8](repeating: 0, count: 8) + [0xff, 0xff, 0, 0, 1, 0, 0, 0]
  private static let recordBytes = 16
  /// Until the switch reads its files; entries are there before.
  private static let secondsBefore = 5
  private static let patience = 60.0

  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-bmv2-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private static func find(_ tool: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(tool)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// What goes out at a switch's client port when these frames come in by it.
  func frames(_ fabric: P4Fabric, at name: String, _ frames: [[UInt8]], answers: Int) throws -> [[UInt8]] {
    let node = try #require(fabric.switches.first { $0.name == name })
    try fabric.write(to: folder.path)
    try run("p4c-bm2-ss", ["fabric.p4", "-o", "fabric.json"])
    for port in node.ports.indices {
      let own = node.ports[port] == "client" ? frames : []
      let records = own.flatMap { frame -> [UInt8] in
        let size = (0..<4).map { UInt8(truncatingIfNeeded: frame.count >> (8 * $0)) }
        return [UInt8](repeating: 0, count: 8) + size + size + frame
      }
      try Data(Self.captureHeader + records).write(to: folder.appendingPathComponent("p\(port + 1)_in.pcap"))
    }
    let thrift = Int.random(in: 20_000..<30_000)
    let interfaces = node.ports.indices.flatMap { ["-i", "\($0 + 1)@p\($0 + 1)"] }
    let process = try start(
      "simple_switch",
      interfaces + ["--use-files", "\(Self.secondsBefore)", "--thrift-port", "\(thrift)", "fabric.json"])
    defer {
      process.terminate()
      process.waitUntilExit()
    }
    Thread.sleep(forTimeInterval: 1)
    try run("/bin/sh", ["-c", "simple_switch_CLI --thrift-port \(thrift) < \(node.fileName)"])
    let port = try #require(node.ports.firstIndex(of: "client")) + 1
    let end = Date(timeIntervalSinceNow: Self.patience)
    var found: [[UInt8]] = []
    while found.count < answers, Date() < end {
      Thread.sleep(forTimeInterval: 0.2)
      found = Self.records(of: folder.appendingPathComponent("p\(port)_out.pcap"))
    }
    return found
  }

  private static func records(of file: URL) -> [[UInt8]] {
    guard let data = try? Data(contentsOf: file) else { return [] }
    let bytes = [UInt8](data)
    var found: [[UInt8]] = []
    var at = captureHeader.count
    while at + recordBytes <= bytes.count {
      let size = (0..<4).reduce(0) { $0 | Int(bytes[at + 8 + $1]) << (8 * $1) }
      guard at + recordBytes + size <= bytes.count else { break }
      found.append(Array(bytes[(at + recordBytes)...].prefix(size)))
      at += recordBytes + size
    }
    return found
  }

  private func start(_ program: String, _ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.find(program) ?? program)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    return process
  }

  private func run(_ program: String, _ arguments: [String]) throws {
    let process = try start(program, arguments)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "\(program) ended with \(process.terminationStatus)")
    }
  }
}
