import Foundation
import Testing

@Suite("Plans of fabrics by the command line")
struct FabricCommandTests {
  private static let example = [
    "fabric", "plan", "models/aurora-medulla.onnx", "--calibration", "models/aurora-medulla-calibration.npy",
  ]

  @Test("the documented plan is made, shown, and printed with its keys")
  func plan() throws {
    let lines = try DocumentedCommandsTests.commands(in: "docs/use/fabric.md")
    let folder = "/tmp/medulla-fabric-plan"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let shown = try MedullaCommandLine.shell(lines[0])
    #expect(
      shown.status == 0 && shown.output.contains("dense1") && shown.output.contains("leaf2"), "\(shown)")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(files == ["placement.svg", "plan.json", "snapshot.medulla"])
    let printed = try MedullaCommandLine.run(
      Self.example + ["--topology", "examples/fabric/fabric.yaml", "--json"])
    let plan = try #require(
      JSONSerialization.jsonObject(with: Data(printed.output.utf8)) as? [String: Any])
    for key in [
      "plan_version", "network_name", "digest", "topology", "stages", "parts", "labels", "switches", "links",
    ] {
      #expect(plan[key] != nil, "\(key)")
    }
    let parts = try #require(plan["parts"] as? [[String: Any]])
    #expect(parts.allSatisfy { $0["switch"] is String && $0["channel_count"] is Int })
  }

  @Test("a topology that is wrong, and a network that does not fit, are told with what to do")
  func refused() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-topology-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("f.yaml").path
    for (text, words) in [
      ("fabric: { leaves: 0 }", "[bad_configuration]"),
      (
        "fabric: { leaves: 1 }\nconstraints: { forbid: [{ layer: dense1, switches: [leaf1] }] }",
        "[does_not_fit]"
      ),
      ("fabric: {}\nconstraints: { pin: [{ layer: nine, switches: [leaf1] }] }", "[bad_constraints]"),
    ] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      let outcome = try MedullaCommandLine.run(Self.example + ["--topology", path])
      #expect(outcome.status == 1 && outcome.output.isEmpty, "\(text)")
      #expect(outcome.errors.contains(words) && outcome.errors.contains("help: "), "\(outcome.errors)")
    }
    #expect(
      try MedullaCommandLine.run(["fabric", "plan", "models/aurora-medulla.onnx", "--topology", path]).status
        == 64)
  }

  @Test(
    "the documented fabric comes up, answers, is replaced, tells its counts, and goes",
    .enabled(if: TestHost.runsKernelTests, "needs root"))
  func run() throws {
    let lines = try DocumentedCommandsTests.commands(in: "docs/use/fabric.md")
    #expect(lines.count == 8 && lines[0].contains("fabric plan") && lines[4].contains("fabric down"))
    defer {
      for path in ["/tmp/medulla-fabric-plan", "/tmp/medulla-fabric-answers.json"] {
        try? FileManager.default.removeItem(atPath: path)
      }
      for name in ["default", "second"] {
        _ = try? MedullaCommandLine.run(["fabric", "down", "--name", name])
      }
    }
    for line in lines {
      let outcome = try MedullaCommandLine.shell(line)
      #expect(outcome.status == 0, "\(line): \(outcome.errors)")
      if line.contains("status") { #expect(outcome.output.contains("4096"), "\(outcome.output)") }
    }
    let printed = try Data(contentsOf: URL(fileURLWithPath: "/tmp/medulla-fabric-answers.json"))
    let report = try #require(JSONSerialization.jsonObject(with: printed) as? [String: Any])
    let results = try #require(report["results"] as? [[String: Any]])
    #expect(results.count == 4_096)
    for key in ["outputs", "label", "microseconds", "attempts"] { #expect(results[0][key] != nil, "\(key)") }
    let gone = try MedullaCommandLine.run(["fabric", "status"])
    #expect(gone.status == 1 && gone.errors.contains("[not_running]"), "\(gone)")
  }

  @Test(
    "the demonstration puts images in, says what they are, and draws what the kernels counted",
    .enabled(if: TestHost.runsKernelTests && hasImages, "needs root and Debian's dataset-fashion-mnist"))
  func demonstration() throws {
    let outcome = try MedullaCommandLine.shell("MEDULLA=bin/medulla IMAGES=16 scripts/demo-fabric.sh")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("0  boot       boot"), "\(outcome.output)")
    let right = try #require(outcome.output.firstMatch(of: /(\d+) of 16 images right/))
    #expect((Int(right.1) ?? 0) >= 12, "\(right.0)")
    let picture = MedullaCommandLine.root.appendingPathComponent("out/demo-fabric/fabric.svg")
    let text = try String(contentsOf: picture, encoding: .utf8)
    // A cell for each row of an image.
    #expect(text.contains("client: 512 cells sent"))
    #expect(try MedullaCommandLine.run(["fabric", "status", "--name", "demo"]).status == 1)
  }

  private static var hasImages: Bool {
    FileManager.default.isReadableFile(
      atPath: "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz")
  }
}
