import Foundation
import Testing

/// The worked example of `examples/classifier`, as its README runs it, inside a namespace.
@Suite("the example of a classifier", .serialized)
struct ClassifierExampleTests {
  private struct Answer: Decodable {
    struct Flow: Decodable {
      let destination_port: Int
      let label: String?
      let margin: Double?
      let decided: Bool
    }

    let labels: [String]
    let flows: [Flow]
  }

  private static let ports = [8080: "web", 5201: "bulk", 5222: "chat", 4000: "voice"]
  private static let example = MedullaCommandLine.root.appendingPathComponent("examples/classifier").path

  private func compiled(in folder: TestFolder) throws -> String {
    let bundle = folder.path + "/classifier.medulla"
    let outcome = try MedullaCommandLine.run([
      "compile", Self.example + "/classifier.safetensors", "--calibration", Self.example + "/calibration.npy",
      "--features", Self.example + "/features.txt", "--labels", Self.example + "/labels.txt", "-o", bundle,
    ])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return bundle
  }

  private func classify(_ bundle: String, _ options: [String] = []) throws -> Answer {
    let outcome = try MedullaCommandLine.run(
      ["classify", Self.example + "/traffic.pcap", "--model", bundle, "--packets", "12", "--json"] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try JSONDecoder().decode(Answer.self, from: Data(outcome.output.utf8))
  }

  @Test("the recorded flows are told by what they are; with a margin that none has they are unsure")
  func recorded() throws {
    let folder = try TestFolder()
    let bundle = try compiled(in: folder)
    let answer = try classify(bundle)
    #expect(answer.labels == ["web", "bulk", "chat", "voice"] && answer.flows.count == 240)
    let right = answer.flows.count { $0.decided && $0.label == Self.ports[$0.destination_port] }
    #expect(right >= 235, "\(right) of 240")
    let unsure = try classify(bundle, ["--margin", "1000"]).flows
    #expect(unsure.allSatisfy { !$0.decided && $0.label != nil && ($0.margin ?? 1e9) < 1000 })
    // Of no flow are a hundred packets kept, and some flows do not end among those that are.
    let late = try MedullaCommandLine.run([
      "classify", Self.example + "/traffic.pcap", "--model", bundle, "--packets", "100", "--json",
    ])
    let pending = try JSONDecoder().decode(Answer.self, from: Data(late.output.utf8)).flows
    #expect(pending.contains { $0.label == nil && $0.margin == nil && !$0.decided })
  }

  @Test(
    "every command of its README does what it says, on live flows (kernel)",
    .enabled(if: TestHost.runsKernelTests))
  func readme() throws {
    let namespace = try TestNamespace(loopback: true)
    _ = try MedullaCommandLine.tool(["ip", "-n", namespace.name, "link", "set", "lo", "mtu", "1500"])
    defer { _ = try? namespace.medulla(["detach", "traffic"]) }
    let lines = try DocumentedCommandsTests.commands(in: "examples/classifier/README.md")
    #expect(lines.count == 10)
    var output = ""
    for line in lines {
      let outcome = try namespace.shell(line)
      #expect(outcome.status == 0, "\(line)\n\(outcome.output)\(outcome.errors)")
      if line.contains("status") { output = outcome.output }
    }
    let counts = output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    let bulk = try #require(counts.first { $0.first == "bulk" }, "\(output)")
    // A flow of iperf3's, of thousands of packets however slow the machine; its control connection is none
    // of bulk.
    #expect(bulk[1] == "mark:2" && bulk[2] == "1" && Int(bulk[3]) ?? 0 > 1_000, "\(output)")
  }

  @Test(
    "what does not fit is refused with what would: unknown features, labels, actions, networks (kernel)",
    .enabled(if: TestHost.runsKernelTests))
  func refused() throws {
    let folder = try TestFolder()
    let bundle = try compiled(in: folder)
    func refuses(_ arguments: [String], _ words: String...) throws {
      let outcome = try MedullaCommandLine.run(arguments)
      #expect(outcome.status != 0 && outcome.output.isEmpty)
      for word in words { #expect(outcome.errors.contains(word), "\(arguments): \(outcome.errors)") }
    }
    let features = folder.path + "/features.txt"
    func compile(_ text: String) throws -> [String] {
      try text.write(toFile: features, atomically: true, encoding: .utf8)
      return [
        "compile", Self.example + "/classifier.safetensors", "--calibration",
        Self.example + "/calibration.npy", "--features", features, "-o", folder.path + "/other.medulla",
      ]
    }
    try refuses(compile("duration\nlatency"), "latency", "medulla features list")
    try refuses(compile("log2(duration)"), "log2(1+FEATURE)")
    try refuses(compile("duration\npackets"), "2 features for 12 inputs")
    let attach = ["attach", "classifier", "--dev", "lo", bundle]
    try refuses(attach + ["--action", "game=drop"], "game", "web, bulk, chat, voice")
    try refuses(attach + ["--action", "web=explode"], "explode", "redirect:DEVICE")
    try refuses(attach + ["--packets", "0"], "every, or end")
    try refuses(attach + ["--at", "xdp", "--action", "web=mark:1"], "mark")
    try refuses(["classify", "/nonexistent", "--model", bundle], "nonexistent")
  }
}
