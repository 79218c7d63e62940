import Foundation
import Testing

/// Bundles load on hosts that have no compiler (ADR 1).
@Suite("Without a compiler (kernel)", .serialized, .enabled(if: TestHost.runsKernelTests))
struct NoCompilerTests {
  static let none = ["PATH=/nonexistent"]
  static let example = MedullaCommandLine.root.path + "/examples/custom-function"

  let folder: TestFolder
  let namespace: TestNamespace

  init() throws {
    folder = try TestFolder()
    namespace = try TestNamespace(loopback: true)
  }

  /// Runs a command that must succeed where no clang is found; its standard output.
  @discardableResult
  private func bare(_ arguments: String...) throws -> String {
    let outcome = try namespace.medulla(arguments, environment: Self.none)
    #expect(outcome.status == 0, "\(arguments.joined(separator: " "))\n\(outcome.errors)")
    return outcome.output
  }

  private func compile(_ arguments: String...) throws {
    let outcome = try MedullaCommandLine.run(["compile"] + arguments)
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  /// What new flows take: its version, and whether it is of the first program set.
  private func active(_ name: String) throws -> (version: Int, sets: Int) {
    let status = try #require(
      try JSONSerialization.jsonObject(with: Data(bare("status", name, "--json").utf8)) as? [String: Any])
    let slots = try #require(status["slots"] as? [[String: Any]])
    let active = slots.first { $0["state"] as? String == "active" }
    return (active?["version"] as? Int ?? 0, (status["generations"] as? [Any])?.count ?? 0)
  }

  /// Two shapes of one network: other activations make other programs.
  private func bundles(
    _ model: String, _ calibration: String, _ more: [String]
  ) throws -> (first: String, other: String) {
    let (first, other) = (folder.path + "/first.medulla", folder.path + "/other.medulla")
    for (path, scheme) in [(first, "w8a16"), (other, "w16a16")] {
      let outcome = try MedullaCommandLine.run(
        ["compile", model, "--calibration", calibration, "--scheme", scheme, "-o", path] + more)
      try #require(outcome.status == 0, "\(outcome.errors)")
    }
    return (first, other)
  }

  private func changeShape(_ name: String, to other: String) throws {
    #expect(try active(name) == (1, 1))
    try bare("update", name, other)
    #expect(try active(name) == (2, 2))
    try bare("rollback", name)
    #expect(try active(name).version == 1)
  }

  @Test("a congestion control is attached, takes another shape and goes back")
  func congestion() throws {
    let (first, other) = try bundles(
      "models/aurora-medulla.onnx", "models/aurora-medulla-calibration.npy", [])
    let name = "nc\(getpid())"
    try bare("attach", "congestion", "--name", name, first)
    defer { _ = try? MedullaCommandLine.run(["detach", name]) }
    try changeShape(name, to: other)
    let rows = MedullaCommandLine.root.path + "/models/aurora-medulla-calibration.npy"
    let outputs = try bare("run-model", first, "--input", rows, "--runtime", "kernel")
    #expect(outputs.split(separator: "\n").count > 1_000)
  }

  @Test("a function of one's own is attached, takes another shape and goes back", arguments: ["tc", "xdp"])
  func function(point: String) throws {
    var text = try String(contentsOfFile: Self.example + "/classify.bpf.c", encoding: .utf8)
    if point == "xdp" { text = Self.xdp }
    let source = folder.path + "/classify.bpf.c"
    try Data(text.utf8).write(to: URL(fileURLWithPath: source))
    let (first, other) = try bundles(
      Self.example + "/classify.safetensors", Self.example + "/classify-calibration.npy",
      ["--program", source])
    let name = "nf\(point.first ?? "x")\(getpid())"
    try bare("attach", "function", name, first, "--hook", point == "xdp" ? "xdp:lo" : "tc:lo:egress")
    defer { _ = try? MedullaCommandLine.run(["detach", name]) }
    try changeShape(name, to: other)
    try bare("detach", name)
  }

  @Test("a missing program, a source instead of one, and another version's are errors with the command")
  func missing() throws {
    let bundle = folder.path + "/plain.medulla"
    try compile(
      Self.example + "/classify.safetensors", "--calibration", Self.example + "/classify-calibration.npy",
      "-o", bundle)
    let name = "nm\(getpid())"
    let source = Self.example + "/classify.bpf.c"
    func refused(_ more: String...) throws -> String {
      let outcome = try namespace.medulla(
        ["attach", "function", name, bundle, "--hook", "tc:lo:egress"] + more, environment: Self.none)
      #expect(outcome.status == 1)
      return outcome.errors
    }
    #expect(try refused().contains("`medulla compile \(bundle) --program FILE.bpf.c`"))
    #expect(
      try refused("--program", "classify").contains("`medulla compile \(bundle) --program classify.bpf.c`"))
    #expect(try refused("--program", source).contains("`medulla compile \(bundle) --program \(source)`"))
    // The command that was named makes it.
    let digest = try digest(of: bundle)
    try compile(bundle, "--program", source)
    #expect(try self.digest(of: bundle) == digest, "the snapshot stays as it is")
    try bare("attach", "function", name, bundle, "--hook", "tc:lo:egress")
    try bare("detach", name)
    try age(bundle)
    #expect(try refused().contains("compiled by another version"))
    #expect(try refused().contains("`medulla compile \(bundle)`"))
    try compile(bundle)
    try bare("attach", "function", name, bundle, "--hook", "tc:lo:egress")
    try bare("detach", name)
  }

  private func digest(of bundle: String) throws -> String {
    try #require(try manifest(bundle)["digest"] as? String)
  }

  private func manifest(_ bundle: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: bundle + "/manifest.json"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  /// As if an earlier version had made it: its programs are of other sources.
  private func age(_ bundle: String) throws {
    let list = bundle + "/programs/sources.sha256"
    let text = try String(contentsOfFile: list, encoding: .utf8)
    let aged = text.split(separator: "\n").map { String(repeating: "0", count: 64) + $0.dropFirst(64) }
    try Data((aged.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: list))
    var manifest = try manifest(bundle)
    var files = try #require(manifest["files"] as? [String: String])
    let sum = try MedullaCommandLine.tool(["sha256sum", list]).output
    files["programs/sources.sha256"] = String(sum.prefix(64))
    manifest["files"] = files
    try JSONSerialization.data(withJSONObject: manifest).write(
      to: URL(fileURLWithPath: bundle + "/manifest.json"))
  }

  private static let xdp = """
    // SPDX-License-Identifier: GPL-2.0
    #include "medulla_packet.bpf.h"

    char LICENSE[] SEC("license") = "GPL";

    MEDULLA_FUNCTION(classify, 6, 2);

    SEC("xdp")
    int classify(struct xdp_md *packet)
    {
      __s64 features[6] = {}, outputs[2] = {};
      struct medulla_packet seen;
      struct medulla_flow *flow;

      if (medulla_parse((void *)(long)packet->data, (void *)(long)packet->data_end, &seen))
        return XDP_PASS;
      flow = medulla_take_flow(&seen);
      if (!flow)
        return XDP_PASS;
      features[0] = (__s64)seen.payload << 16;
      medulla_decide(flow, &features, &outputs);
      medulla_leave_flow(&seen, flow);
      return XDP_PASS;
    }
    """
}
