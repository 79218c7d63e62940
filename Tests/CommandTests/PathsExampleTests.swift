import Foundation
import Testing

/// The worked example of `examples/paths`, as its README runs it, inside a namespace.
@Suite("the example of path selection", .serialized, .enabled(if: TestHost.runsKernelTests))
struct PathsExampleTests {
  private struct Status: Decodable {
    struct Path: Decodable {
      let flows: Int
      let explored: Int
    }

    let paths: [Path]
  }

  @Test(
    "every command of its README does what it says, and flows come to avoid the slow wire (kernel)"
  )
  func readme() throws {
    let namespace = try TestNamespace(loopback: true)
    defer {
      _ = try? MedullaCommandLine.run(["stop", "--socket", "/run/medulla/paths.sock"])
      _ = try? namespace.medulla(["detach", "uplinks"])
      _ = try? MedullaCommandLine.tool(["ip", "netns", "del", "medulla-far"])
      try? FileManager.default.removeItem(at: MedullaCommandLine.root.appendingPathComponent("out/paths"))
    }
    let lines = try DocumentedCommandsTests.commands(in: "examples/paths/README.md")
    #expect(lines.count == 13)
    var slow = 0
    for line in lines {
      let outcome = try namespace.shell(line)
      #expect(outcome.status == 0, "\(line)\n\(outcome.output)\(outcome.errors)")
      if let range = line.range(of: "slow ") { slow = Int(line[range.upperBound...]) ?? 0 }
      guard line.contains("status") else { continue }
      try expectAvoided(namespace, slow: slow - 1, status: line)
    }
    #expect(slow == 2)
  }

  /// On any machine: of the flows of one more stretch few take the slow wire, but for those that explore.
  private func expectAvoided(_ namespace: TestNamespace, slow: Int, status line: String) throws {
    func flows() throws -> [Int] {
      let status = try JSONDecoder().decode(
        Status.self, from: Data(namespace.shell(line + " --json").output.utf8))
      return status.paths.map { $0.flows - $0.explored }
    }
    var told: [[Int]] = []
    for _ in 0..<30 {
      let before = try flows()
      let outcome = try namespace.shell("python3 examples/paths/traffic.py --seconds 2")
      try #require(outcome.status == 0, "\(outcome.errors)")
      let taken = zip(try flows(), before).map { $0 - $1 }
      told.append(taken)
      if taken[1 - slow] > 20, taken[1 - slow] > 3 * taken[slow] { return }
    }
    Issue.record("never learned that wire \(slow + 1) is slow: \(told)")
  }
}
