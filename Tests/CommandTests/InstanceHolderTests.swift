import Foundation
import Testing

/// What changing an instance says of who else uses it, and what it does where nothing can be changed.
@Suite("Instances that others hold", .serialized, .enabled(if: TestHost.runsKernelTests))
struct InstanceHolderTests {
  @Test("update and detach name the process that takes the instance's samples (kernel)")
  func named() throws {
    try withInstance("h") { name, bundle in
      // What takes samples holds a lock on the instance's directory: so does this.
      let reader = Process()
      reader.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
      reader.arguments = ["--no-fork", "/sys/fs/bpf/medulla/" + name, "sleep", "60"]
      reader.standardOutput = FileHandle.nullDevice
      try reader.run()
      defer {
        // Another signal may be blocked in what a test starts.
        kill(reader.processIdentifier, SIGKILL)
        reader.waitUntilExit()
      }
      let held = "sleep (\(reader.processIdentifier))"
      var said = ""
      for _ in 0..<100 where !said.contains(held) {
        said = try MedullaCommandLine.run(["update", name, bundle]).errors
      }
      #expect(said.contains("\(held) learns for \(name)") && said.contains("medulla why \(name)"), "\(said)")
      let detached = try MedullaCommandLine.run(["detach", name, "--json"])
      let report = try #require(
        try JSONSerialization.jsonObject(with: Data(detached.output.utf8)) as? [String: Any])
      #expect(report["detached"] as? String == name)
      #expect(report["reader"] as? Int32 == reader.processIdentifier)
      #expect((report["notes"] as? [String])?.last?.contains("medulla stop") == true)
    }
  }

  @Test("without a reader, update says nothing of one, and detach gives null (kernel)")
  func unread() throws {
    try withInstance("u") { name, bundle in
      #expect(!(try MedullaCommandLine.run(["update", name, bundle]).errors.contains("learns for")))
      let detached = try MedullaCommandLine.run(["detach", name, "--json"])
      #expect(detached.output.contains("\"reader\": null") || detached.output.contains("\"reader\" : null"))
    }
  }

  @Test(
    "where what is pinned cannot be changed, detach and update refuse before they change anything (kernel)")
  func readOnly() throws {
    try withInstance("r") { name, bundle in
      let before = try status(name)
      for command in ["detach \(name)", "update \(name) \(bundle)", "rollback \(name)"] {
        let refused = try MedullaCommandLine.shell(
          "unshare -m sh -c 'mount -o bind,remount,ro /sys/fs/bpf && exec bin/medulla \(command)'")
        #expect(refused.status != 0 && refused.errors.contains("ead-only file system"), "\(refused.errors)")
        #expect(refused.errors.contains("remount,rw"), "\(refused.errors)")
        #expect(try status(name) == before, "\(command)")
      }
    }
  }

  @Test("why and history of a daemon that has ended say how another state directory is read")
  func ended() throws {
    let socket = ["--socket", "/nonexistent/medulla.sock"]
    for command in ["why", "history"] {
      let outcome = try MedullaCommandLine.run([command] + socket)
      guard outcome.status != 0 else { continue }
      #expect(outcome.errors.contains("--state DIRECTORY"), "\(outcome.errors)")
    }
  }

  private func status(_ name: String) throws -> [String] {
    let outcome = try MedullaCommandLine.run(["status", name, "--json"])
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let slots = try #require(report["slots"] as? [[String: Any]])
    return slots.map { "\($0["digest"] ?? "") \($0["state"] ?? "") \($0["version"] ?? "")" }
  }

  private func withInstance(_ letter: String, _ body: (_ name: String, _ bundle: String) throws -> Void)
    throws
  {
    let folder = NSTemporaryDirectory() + "medulla-holder-\(UUID())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let bundle = folder + "/a.medulla"
    let name = "ih\(letter)-\(ProcessInfo.processInfo.processIdentifier)"
    let compiled = try MedullaCommandLine.run([
      "compile", "models/aurora-medulla.onnx", "--calibration", "models/aurora-medulla-calibration.npy",
      "-o", bundle,
    ])
    try #require(compiled.status == 0, "\(compiled.errors)")
    let attached = try MedullaCommandLine.run(["attach", "congestion", "--name", name, bundle])
    try #require(attached.status == 0, "\(attached.errors)")
    defer { _ = try? MedullaCommandLine.run(["detach", name]) }
    try body(name, bundle)
  }
}
