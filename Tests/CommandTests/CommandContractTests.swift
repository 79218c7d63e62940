import Foundation
import Testing

/// The JSON keys and manners that other programs rely on.
@Suite("Command line", .serialized)
struct CommandContractTests {
  @Test("no command prints the help and succeeds; a wrong one says so and fails with 64")
  func manners() throws {
    let help = try MedullaCommandLine.run(["--help"])
    #expect(help.status == 0)
    #expect(help.output.contains("SUBCOMMANDS"))
    let wrong = try MedullaCommandLine.run(["atach"])
    #expect(wrong.status == 64)
    #expect(wrong.errors.contains("atach"))
    #expect(wrong.output.isEmpty, "errors go to standard error")
  }

  @Test("a proxy's value may be negative, after two dashes")
  func negativeProxy() throws {
    let socket = ["--socket", "/nonexistent/medulla.sock"]
    let told = try MedullaCommandLine.run(["proxy"] + socket + ["f", "--", "-0.5"])
    #expect(told.status != 64 && told.errors.contains("/nonexistent/medulla.sock"), "\(told.errors)")
    #expect(try MedullaCommandLine.run(["proxy"] + socket + ["f", "-0.5"]).status == 64)
  }

  @Test("features are listed with their keys, and a capture's flows are rows with the documented columns")
  func features() throws {
    let listed = try MedullaCommandLine.run(["features", "list", "--json"])
    let features = try #require(
      JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: String]])
    #expect(features.count > 100)
    for feature in features { #expect(Set(feature.keys) == ["name", "unit", "formula", "source"]) }
    let rows = try MedullaCommandLine.run([
      "features", "extract", "examples/flows/connection.pcap", "--csv", "-",
    ])
    let lines = rows.output.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    let columns = [
      "source_ip", "source_port", "destination_ip", "destination_port", "protocol", "packets_forward",
      "packets_backward", "bytes_forward", "bytes_backward",
    ]
    #expect(rows.status == 0 && lines.count == 3 && Array(lines[0].prefix(9)) == columns)
    for feature in features { #expect(lines[0].contains(feature["name"] ?? ""), "\(feature)") }
    #expect(
      Array(lines[1].prefix(9)) == ["192.0.2.1", "40000", "192.0.2.53", "53", "17", "1", "1", "71", "87"])
    #expect(
      Array(lines[2].prefix(9)) == [
        "192.0.2.1", "50000", "198.51.100.7", "443", "6", "6", "3", "529", "1191",
      ])
    #expect(rows.errors.contains("2 flows of 11 frames"))
    let wrong = try MedullaCommandLine.run(["features", "extract", "README.md", "--csv", "-"])
    #expect(wrong.status == 1 && wrong.output.isEmpty && wrong.errors.contains("[unreadable]"))
    #expect(
      try MedullaCommandLine.run(
        ["features", "extract", "examples/flows/connection.pcap", "--csv", "-", "--idle", "soon"]).status != 0
    )
  }

  @Test("doctor reports each check with what is missing and how to get it")
  func doctor() throws {
    let outcome = try MedullaCommandLine.run(["doctor", "--json"])
    let report = try object(outcome.output)
    #expect(report["ok"] is Bool)
    let checks = try #require(report["checks"] as? [[String: Any]])
    #expect(checks.count >= 5)
    for check in checks {
      #expect(check["name"] is String)
      #expect(check["ok"] is Bool)
      #expect(check["detail"] is String)
      if check["ok"] as? Bool == false { #expect((check["remedy"] as? String)?.isEmpty == false) }
    }
  }

  @Test("compile, inspect and run-model give the documented keys, and the same bytes each time")
  func compileAndRun() throws {
    try withFolder { folder in
      let first = try compile(into: folder + "/first.medulla")
      let second = try compile(into: folder + "/second.medulla", "--emit-c", folder + "/c")
      let source = try String(contentsOfFile: folder + "/c/medulla_snapshot.c", encoding: .utf8)
      #expect(
        source.contains("void medulla_snapshot_run(") && source.contains("#include \"medulla_snapshot.h\""))
      #expect(FileManager.default.fileExists(atPath: folder + "/c/medulla_snapshot.h"))
      #expect(first["digest"] as? String == second["digest"] as? String)
      #expect(first["scheme"] as? String == "W8A16")
      #expect(first["shape"] != nil)
      let error = try #require(first["error"] as? [String: Any])
      for key in ["mean_relative", "p99_relative", "max_relative"] { #expect(error[key] is Double) }
      #expect(try #require(error["mean_relative"] as? Double) <= 0.001, "a thousandth of the range at W8A16")
      let programs = try #require(first["programs"] as? [[String: Any]])
      #expect(!programs.isEmpty)
      for program in programs {
        #expect(program["function"] is String)
        #expect((program["bytes"] as? Int ?? 0) > 0)
      }
      for file in try FileManager.default.contentsOfDirectory(atPath: folder + "/first.medulla/programs") {
        let left = FileManager.default.contents(atPath: "\(folder)/first.medulla/programs/\(file)")
        let right = FileManager.default.contents(atPath: "\(folder)/second.medulla/programs/\(file)")
        #expect(left == right, "\(file) is reproducible")
      }
      let inspect = try MedullaCommandLine.run(["inspect", folder + "/first.medulla", "--json"])
      #expect(inspect.status == 0, "\(inspect.errors)")
      let layers = try #require(try object(inspect.output)["layers"] as? [[String: Any]])
      #expect(layers.count >= 3)

      try runEverywhere(folder + "/first.medulla")
    }
  }

  /// The runtimes that the command names when it is given none of them.
  private func runtimes() throws -> [String] {
    let help = try MedullaCommandLine.run(["run-model", "a", "--input", "b", "--runtime", "help"])
    #expect(help.status == 64)
    let names = try Regex("^  - ([a-z-]+)$").anchorsMatchLineEndings()
    return help.errors.matches(of: names).compactMap { $0.output[1].substring.map(String.init) }
  }

  /// Those that promise the reference's bits say so by giving fixed point; the others follow the network.
  private func runEverywhere(_ bundle: String) throws {
    let names = try runtimes()
    #expect(names.count >= 4, "\(names)")
    var exact: [[[Int]]] = []
    var outputs: [[[Double]]] = []
    for name in names {
      let run = try MedullaCommandLine.run([
        "run-model", bundle, "--input", "models/aurora-medulla-calibration.npy", "--runtime", name, "--json",
      ])
      guard run.status == 0 else {
        #expect(run.errors.contains("[unavailable]") && !TestHost.runsKernelTests, "\(name): \(run.errors)")
        continue
      }
      let result = try object(run.output)
      #expect(result["runtime"] as? String == name)
      outputs.append(try #require(result["outputs"] as? [[Double]]))
      if let fixed = result["fixed"] as? [[Int]] {
        #expect(result["fraction_bits"] is Int)
        exact.append(fixed)
      }
    }
    #expect(exact.count >= 1 && outputs.count > exact.count)
    for fixed in exact { #expect(fixed == exact[0], "all give the same bits") }
    let (first, last) = (try #require(outputs.first), try #require(outputs.last))
    let range = (first.map { $0[0] }.max() ?? 0) - (first.map { $0[0] }.min() ?? 0)
    let mean = zip(first, last).map { abs($0[0] - $1[0]) }.reduce(0, +) / Double(first.count)
    #expect(first.count == last.count && mean < 0.002 * range, "the snapshot follows the float network")
  }

  @Test(
    "attach, update, rollback and detach are seen in status, and bench gives every figure (kernel)",
    .enabled(if: TestHost.runsKernelTests))
  func instance() throws {
    try withFolder { folder in
      let bundle = folder + "/first.medulla"
      let digest = try #require(try compile(into: bundle)["digest"] as? String)
      let next = folder + "/next.medulla"
      _ = try compile(into: next, "--percentile", "99.5")
      let name = "med-\(ProcessInfo.processInfo.processIdentifier)"
      try succeed("attach", "congestion", "--name", name, bundle)
      defer { _ = try? MedullaCommandLine.run(["detach", name]) }
      var slots = try self.slots(of: name)
      #expect(slots.count == 1)
      #expect(slots[0]["digest"] as? String == digest)
      for key in ["index", "version", "flows", "inferences"] { #expect(slots[0][key] is Int, "\(key)") }
      #expect(slots[0]["state"] as? String == "active")

      try succeed("update", name, next)
      slots = try self.slots(of: name)
      let active = slots.first { $0["state"] as? String == "active" }
      #expect(active?["digest"] as? String != digest)
      #expect(active?["version"] as? Int == 2)
      try succeed("rollback", name)
      slots = try self.slots(of: name)
      #expect(slots.first { $0["state"] as? String == "active" }?["digest"] as? String == digest)
      try succeed("detach", name)
      #expect(try MedullaCommandLine.run(["status", name, "--json"]).status != 0)

      let bench = try object(try succeed("bench", "inference", bundle, "--json"))
      let keys =
        ["empty_ns", "roundtrip_ns", "roundtrip_p99_ns", "repeats", "verified_instructions"]
        + ["machine_code_bytes", "inference_code_bytes", "image_bytes"]
        + ["kernel_cold_ns", "kernel_cold_low_ns", "kernel_cold_high_ns", "kernel_warm_ns"]
        + (try runtimes().map { $0.replacing("-", with: "_") + "_ns" })
      for key in keys { #expect(((bench[key] as? NSNumber)?.doubleValue ?? 0) > 0, "\(key)") }
    }
  }

  @Test("a model that is none is refused with its path, and nothing is written")
  func refusal() throws {
    try withFolder { folder in
      let bogus = folder + "/bogus.onnx"
      try Data("no model".utf8).write(to: URL(fileURLWithPath: bogus))
      let outcome = try MedullaCommandLine.run([
        "compile", bogus, "--calibration", "models/aurora-medulla-calibration.npy",
        "-o", folder + "/b.medulla",
      ])
      #expect(outcome.status != 0)
      #expect(!outcome.errors.isEmpty)
      #expect(!FileManager.default.fileExists(atPath: folder + "/b.medulla"))
    }
  }

  private func compile(into bundle: String, _ options: String...) throws -> [String: Any] {
    let outcome = try MedullaCommandLine.run(
      [
        "compile", "models/aurora-medulla.onnx", "--calibration", "models/aurora-medulla-calibration.npy",
        "-o", bundle, "--json",
      ] + options)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try object(outcome.output)
  }

  /// Runs a command that must succeed; its standard output.
  @discardableResult
  private func succeed(_ arguments: String...) throws -> String {
    let outcome = try MedullaCommandLine.run(arguments)
    #expect(outcome.status == 0, "\(arguments.joined(separator: " "))\n\(outcome.errors)")
    return outcome.output
  }

  private func slots(of name: String) throws -> [[String: Any]] {
    let outcome = try MedullaCommandLine.run(["status", name, "--json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try #require(try object(outcome.output)["slots"] as? [[String: Any]])
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "medulla-contract-\(UUID())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }
}
