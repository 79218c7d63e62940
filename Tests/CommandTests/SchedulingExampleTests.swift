import Foundation
import Testing

/// The worked example of `examples/scheduling`, as its README runs it, inside a namespace.
@Suite("the example of flow scheduling", .serialized, .enabled(if: TestHost.runsKernelTests))
struct SchedulingExampleTests {
  private struct Status: Decodable {
    struct Band: Decodable {
      let ended: Int
      let right: Int
      let packets: Int
    }

    let bands: [Band]
    var ended: Int { bands.reduce(0) { $0 + $1.ended } }
    var right: Int { bands.reduce(0) { $0 + $1.right } }
  }

  @Test(
    "every command of its README does what it says, and an untrained network learns sizes, twice (kernel)"
  )
  func readme() throws {
    let namespace = try TestNamespace(loopback: true)
    defer {
      _ = try? MedullaCommandLine.run(["stop", "--socket", "/run/medulla/scheduling.sock"])
      _ = try? namespace.medulla(["detach", "sizes"])
      try? FileManager.default.removeItem(
        at: MedullaCommandLine.root.appendingPathComponent("out/scheduling"))
    }
    let lines = try DocumentedCommandsTests.commands(in: "examples/scheduling/README.md")
    #expect(lines.count == 15)
    var traffic = ""
    var mixes = 0
    for line in lines {
      let outcome = try namespace.shell(line)
      #expect(outcome.status == 0, "\(line)\n\(outcome.output)\(outcome.errors)")
      if line.contains("traffic.py") { traffic = line }
      guard line.contains("status") else { continue }
      mixes += 1
      try expectLearned(namespace, traffic: traffic, status: line)
    }
    #expect(mixes == 2)
  }

  /// However slow the machine: of the flows of one more stretch of this traffic most are told, sooner or
  /// later.
  private func expectLearned(_ namespace: TestNamespace, traffic: String, status line: String) throws {
    func status() throws -> Status {
      try JSONDecoder().decode(Status.self, from: Data(namespace.shell(line + " --json").output.utf8))
    }
    let once = traffic.replacing("sleep 2; ", with: "").replacing("--seconds 8", with: "--seconds 2")
    var told: [String] = []
    for _ in 0..<30 {
      let before = try status()
      let outcome = try namespace.shell(once)
      try #require(outcome.status == 0, "\(outcome.errors)")
      let after = try status()
      let (ended, right) = (after.ended - before.ended, after.right - before.right)
      told.append("\(right) of \(ended)")
      #expect(after.bands.count == 3 && after.bands.allSatisfy { $0.packets > 0 })
      if ended > 20, right * 4 > ended * 3 { return }
    }
    Issue.record("never learned: \(told)")
  }
}
