import Foundation
import Glibc
import Testing

@testable import MedullaKernel

@Suite("Tools that are run")
struct ToolRunTests {
  @Test("a tool that never ends is ended at the deadline with what it started, and the error says so")
  func deadline() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let mark = folder.appendingPathComponent("child").path
    let error = #expect(throws: KernelError.self) {
      try ToolRun.run(
        "/bin/sh", ["-c", "sleep 600 & echo $! >\(mark); trap '' TERM; wait; sleep 600"],
        within: .milliseconds(700))
    }
    #expect(error?.code == .toolchain)
    #expect(error?.message.contains("was not done within") == true)
    let text = try String(contentsOfFile: mark, encoding: .utf8)
    let child = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    var isGone = false
    for _ in 0..<100 where !isGone {
      isGone = Self.isEnded(child)
      usleep(20_000)
    }
    #expect(isGone, "what the tool had started runs on")
  }

  /// A child of the dead tool's is a zombie until whoever took it over reaps it.
  private static func isEnded(_ process: pid_t) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
      return true
    }
    return status.split(separator: ")").last?.hasPrefix(" Z") == true
  }

  @Test("more than a pipe holds arrives whole on both outputs, in the directory that was given")
  func outputs() throws {
    let run = try ToolRun.run(
      "/bin/sh",
      ["-c", "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; pwd; exit 3"], directory: "/usr")
    #expect(run.status == 3)
    #expect(run.standardError.utf8.count == 300_000)
    #expect(run.standardOutput.hasSuffix("/usr\n") && run.standardOutput.utf8.count == 300_005)
  }
}
