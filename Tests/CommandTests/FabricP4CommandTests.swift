import Foundation
import Testing

@Suite("Plans as P4 programs by the command line", .serialized)
struct FabricP4CommandTests {
  private static let folders = ["/tmp/medulla-fabric-p4-plan", "/tmp/medulla-fabric-p4"]

  private static func remove() {
    for folder in folders { try? FileManager.default.removeItem(atPath: folder) }
  }

  @Test("the documented commands write a program, commands for each switch, and a specification")
  func documented() throws {
    let lines = try DocumentedCommandsTests.commands(in: "docs/use/fabric-p4.md")
    #expect(lines.count == 4)
    Self.remove()
    defer { Self.remove() }
    for (number, line) in lines.enumerated() {
      let outcome = try MedullaCommandLine.shell(line)
      #expect(outcome.status == 0 && outcome.output.contains("leaf1"), "\(line): \(outcome.errors)")
      guard number == 1 else { continue }
      let files = try FileManager.default.contentsOfDirectory(atPath: Self.folders[1]).sorted()
      let leaves = (1...8).map { "leaf\($0).commands" }
      #expect(files == ["fabric.p4"] + leaves + (1...4).map { "spine\($0).commands" })
      #expect(
        outcome.output.contains("1 spine1, 2 spine2, 3 spine3, 4 spine4, 5 client"), "\(outcome.output)")
    }
    // Switches of the plan before are gone.
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: Self.folders[1]).sorted()
        == ["fabric.p4", "fabric.spec", "leaf1.commands", "spine1.commands"])
    let text = try String(contentsOfFile: Self.folders[1] + "/fabric.spec", encoding: .utf8)
    #expect(text.contains("apply {") && text.contains("recirculate"))
    let printed = try MedullaCommandLine.run(
      ["fabric", "p4", Self.folders[0], "-o", Self.folders[1], "--swx", "--json"])
    let report = try #require(JSONSerialization.jsonObject(with: Data(printed.output.utf8)) as? [String: Any])
    #expect(
      report["program"] as? String == "fabric.p4" && report["specification"] as? String == "fabric.spec")
    let switches = try #require(report["switches"] as? [[String: Any]])
    for key in ["name", "commands", "ports", "entries", "passes"] {
      #expect(switches.allSatisfy { $0[key] != nil }, "\(key)")
    }
    // 8-12-12-2 by 8: 12 + 2 · 12 + 2 · 2 passes of sums, and one for each value.
    #expect(switches.reduce(0) { $0 + ($1["passes"] as? Int ?? 0) } == 40 + 26)
  }

  @Test("a network that is not made of shifts and adds, and what cannot be asked for, are refused")
  func refused() throws {
    Self.remove()
    defer { Self.remove() }
    let plan = try MedullaCommandLine.run([
      "fabric", "plan", "models/aurora-medulla.onnx", "--calibration",
      "models/aurora-medulla-calibration.npy", "--topology", "examples/fabric/fabric.yaml", "-o",
      Self.folders[0],
    ])
    try #require(plan.status == 0, "\(plan.errors)")
    let outcome = try MedullaCommandLine.run(["fabric", "p4", Self.folders[0], "-o", Self.folders[1]])
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(
      outcome.errors.contains("[bad_network]") && outcome.errors.contains("dense1: a function by table"),
      "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: Self.folders[1]))
    for wrong in [["--terms", "0"], ["--clients", "2000"], ["--epoch", "65536"]] {
      let refused = try MedullaCommandLine.run(
        ["fabric", "p4", Self.folders[0], "-o", Self.folders[1]] + wrong)
      #expect(refused.status == 64, "\(wrong)")
    }
  }
}
