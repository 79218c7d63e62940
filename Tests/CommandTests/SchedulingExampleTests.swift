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
    var statuses: [Status] = []
    for line in lines {
      let outcome = try namespace.shell(line)
      #expect(outcome.status == 0, "\(line)\n\(outcome.output)\(outcome.errors)")
      guard line.contains("status") else { continue }
      let json = try namespace.shell(line + " --json")
      statuses.append(try JSONDecoder().decode(Status.self, from: Data(json.output.utf8)))
    }
    let (first, second) = (try #require(statuses.first), try #require(statuses.last))
    // What was wrong before it had learned is among them.
    #expect(first.ended > 100 && first.right * 2 > first.ended, "\(first)")
    let (ended, right) = (second.ended - first.ended, second.right - first.right)
    #expect(ended > 100 && right * 2 > ended, "\(right) of \(ended) after the drift")
    #expect(second.bands.count == 3 && second.bands.allSatisfy { $0.packets > 0 })
  }
}
