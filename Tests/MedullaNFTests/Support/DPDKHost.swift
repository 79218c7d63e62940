import DatapathCases
import Foundation
import Glibc
import MedullaNF
import Testing

/// Whether chains over DPDK can be tried here, and the library for them.
enum DPDKTestHost {
  static let reason: Comment =
    KernelTestHost.isUsable ? "DPDK is not here (apt-get install libdpdk-dev)" : KernelTestHost.reason
  static let isUsable = KernelTestHost.isUsable && (try? run(["pkg-config", "--exists", "libdpdk"])) != nil
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static var freeHugePages: Int {
    let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("HugePages_Free:") }
    return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
  }

  /// Built once for all tests.
  static let library = Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-dpdk-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    atexit {
      try? FileManager.default.removeItem(atPath: NSTemporaryDirectory() + "medulla-dpdk-\(getpid())")
    }
    let path = folder.appendingPathComponent(DPDKLibrary.fileName).path
    try run([root.appendingPathComponent("scripts/dpdk-engine.sh").path, path])
    return path
  }

  private static func run(_ words: [String]) throws { try SlowLoopback.run(words) }
}

/// A chain over DPDK in a process of its own, with a folder for its files; gone with its last owner.
final class DPDKHost {
  struct Ended: Error, CustomStringConvertible {
    let description: String
  }

  /// Where functions come to.
  let path: String
  let folder: URL
  private let process = Process()
  private let (input, output, errors) = (Pipe(), Pipe(), Pipe())
  private var unread: [UInt8] = []

  /// - Parameters:
  ///   - words: as of `nf-dpdk-host`; `FOLDER` stands for the folder.
  ///   - folder: one that several hosts share; nil: its own.
  ///   - namespace: in which it runs; nil: that of the tests.
  init(_ words: [String], folder: URL? = nil, namespace: String? = nil) throws {
    let unique = "medulla-dpdk-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    self.folder = folder ?? FileManager.default.temporaryDirectory.appendingPathComponent(unique)
    try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
    path = "/tmp/\(unique).sock"
    let program = FunctionProcess.folder.appendingPathComponent("nf-dpdk-host").path
    let place = self.folder.path
    let arguments =
      [program, try DPDKTestHost.library.get(), path]
      + words.map { $0.replacingOccurrences(of: "FOLDER", with: place) }
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = (namespace.map { ["ip", "netns", "exec", $0] } ?? []) + arguments
    (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
    try process.run()
  }

  deinit {
    try? input.fileHandleForWriting.close()
    if !eventually(within: 3, every: 5_000, { !process.isRunning }) {
      kill(process.processIdentifier, SIGKILL)
    }
    process.waitUntilExit()
    unlink(path)
    try? FileManager.default.removeItem(at: folder)
  }

  /// What the host says now.
  ///
  /// - Throws: what it has said of why it has ended.
  func report() throws -> ChainReport {
    signal(SIGPIPE, SIG_IGN)
    guard process.isRunning else { throw ended() }
    do {
      try input.fileHandleForWriting.write(contentsOf: Data("\n".utf8))
    } catch {
      throw ended()
    }
    return try answer()
  }

  private func answer() throws -> ChainReport {
    while true {
      if let end = unread.firstIndex(of: 10) {
        let line = Data(unread[..<end])
        unread.removeFirst(end + 1)
        // What DPDK itself prints is no report.
        guard line.first == UInt8(ascii: "{") else { continue }
        return try JSONDecoder().decode(ChainReport.self, from: line)
      }
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw ended() }
      unread += more
    }
  }

  private func ended() -> Ended {
    process.waitUntilExit()
    return Ended(
      description: String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
  }

  /// Ends the chain.
  ///
  /// - Returns: the last report.
  @discardableResult
  func stop() throws -> ChainReport {
    try input.fileHandleForWriting.close()
    let report = try answer()
    process.waitUntilExit()
    return report
  }

  /// The report once it is as it should be; nil: that does not come about.
  func report(within seconds: Double = 15, where condition: (ChainReport) -> Bool) throws -> ChainReport? {
    var found: ChainReport?
    _ = try eventually(within: seconds, every: 5_000) {
      let report = try report()
      if condition(report) { found = report }
      return found != nil
    }
    return found
  }

  /// What `body` makes, once functions can come.
  func running<Value>(_ body: () throws -> Value) throws -> Value {
    _ = try report()
    return try body()
  }

  func isPresent(_ names: [String]) throws -> Bool {
    try report { report in names.allSatisfy { report[$0]?.state == .present } } != nil
  }

  /// The report once so many frames were seen, nobody has any, and DPDK has all.
  func settled(seen: Int, keeping kept: Int = 0) throws -> ChainReport? {
    try report { $0.isAtRest(sent: seen, keeping: kept) }
  }
}

/// A capture file: frames with the classic header, in this machine's order.
enum Capture {
  static func write(_ frames: [[UInt8]], to file: URL) throws {
    var bytes: [UInt8] = []
    func append(_ words: [UInt32]) { for word in words { withUnsafeBytes(of: word) { bytes += $0 } } }
    append([0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1])
    for frame in frames {
      append([0, 0, UInt32(frame.count), UInt32(frame.count)])
      bytes += frame
    }
    try Data(bytes).write(to: file)
  }

  static func read(_ file: URL) throws -> [[UInt8]] {
    let bytes = [UInt8](try Data(contentsOf: file))
    var (frames, at) = ([[UInt8]](), 24)
    while at + 16 <= bytes.count {
      let length = bytes.withUnsafeBytes {
        Int($0.loadUnaligned(fromByteOffset: at + 8, as: UInt32.self))
      }
      frames.append(Array(bytes[(at + 16)...].prefix(length)))
      at += 16 + length
    }
    return frames
  }
}
