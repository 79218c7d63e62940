import Foundation
import Testing

/// The worked example of `examples/own-traffic`, as its README runs it, inside a namespace.
@Suite("the example of a capture and labels of one's own", .serialized)
struct OwnTrafficExampleTests {
  private static let readme = "examples/own-traffic/README.md"
  private static let kinds = ["web", "bulk", "chat", "voice"]

  /// Of each class of a status, its flows.
  private func flows(_ status: String) -> [String: Int] {
    let lines = status.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    return Dictionary(
      lines.filter { $0.count > 3 && Self.kinds.contains($0[0]) }.map { ($0[0], Int($0[2]) ?? 0) }
    ) { first, _ in first }
  }

  @Test(
    "a network that knows nothing learns a capture by rules, by the README's commands alone (kernel)",
    .enabled(if: TestHost.runsKernelTests))
  func readme() throws {
    let namespace = try TestNamespace(loopback: false)
    let root = MedullaCommandLine.root.path
    try? FileManager.default.removeItem(atPath: root + "/out/own")
    defer {
      _ = try? namespace.shell("bin/medulla stop --detach --socket out/own/control.sock")
      try? FileManager.default.removeItem(atPath: root + "/out/own")
    }
    let lines = try DocumentedCommandsTests.commands(in: Self.readme)
    #expect(lines.count == 21)
    var (status, why, history, list, one, added, replay) = ("", "", "", "", "", "", "")
    for line in lines {
      var outcome = try namespace.shell(line)
      // The daemon says so where a training is under way, which takes long without optimization.
      for _ in 0..<6 where outcome.errors.contains("has not come to it") {
        sleep(5)
        outcome = try namespace.shell(line)
      }
      let log = (try? String(contentsOfFile: root + "/out/own/daemon.log", encoding: .utf8)) ?? ""
      try #require(outcome.status == 0, "\(line)\n\(outcome.output)\(outcome.errors)\(log.suffix(2_000))")
      let text = outcome.output + outcome.errors
      switch true {
      case line.contains("medulla status"): status = text
      case line.contains("--flow") && line.contains("why"): one = text
      case line.contains("labels add"): added = text
      case line.contains("labels list"): list = text
      case line.contains("medulla replay"): replay = text
      case line.contains("medulla history"): history = text
      case line.contains("medulla why"): why = text
      default: break
      }
    }
    #expect(history.contains("the network was trained anew") && history.contains("labels keep differing"))
    #expect(why.contains("was promoted") || why.contains("became active"), "\(why)")
    #expect(list.contains("rules") && list.contains("trusted"), "\(list)")
    // Six replays of sixty flows a kind; what an untrained network says is one kind for nearly all.
    let found = flows(status)
    for kind in Self.kinds { #expect((found[kind] ?? 0) >= 120, "\(status)") }
    #expect(one.contains("8080") && one.contains("feature "), "\(one)")
    #expect(added.contains("it is web"), "\(added)")
    // The untrained network says one kind for nearly all; most decisions are of networks that have learned.
    let changes = try #require(
      replay.firstMatch(of: #/(\d+) decisions: (\d+) would have been others/#), "\(replay)")
    let (all, others) = (try #require(Int(changes.1)), try #require(Int(changes.2)))
    #expect(all > 1_000 && others * 3 > all, "\(replay)")
  }
}
