import Foundation
import Testing

/// The documents' shell blocks (```sh) are run line by line, in order, as a user would type them.
@Suite("Documented commands", .serialized)
struct DocumentedCommandsTests {
  /// Whole builds and long measurements; the Makefile's own test below holds that they exist.
  static let long = ["make ", "sudo make ", "git clone", "cd "]

  @Test(
    "every command of the README does what it says (kernel)", .enabled(if: TestHost.runsKernelTests))
  func readme() throws {
    let lines = try Self.commands(in: "README.md")
    #expect(lines.count >= 8, "the README should show how to use the product")
    try #require(
      !FileManager.default.fileExists(atPath: "/sys/fs/bpf/medulla/medulla"),
      "an instance `medulla` is attached, and the test would end it")
    defer {
      // Where a line has failed, the daemon that an earlier one started may run still.
      _ = try? MedullaCommandLine.run(["stop", "--keep"])
      _ = try? MedullaCommandLine.run(["detach", "medulla"])
    }
    for line in lines where !Self.long.contains(where: line.hasPrefix) {
      let outcome = try MedullaCommandLine.shell(line.replacingOccurrences(of: "sudo ", with: ""))
      #expect(outcome.status == 0, "\(line)\n\(outcome.output)\(outcome.errors)")
    }
  }

  @Test("every command on features of flows does what it says")
  func flowFeatures() throws {
    let lines = try Self.commands(in: "docs/use/flow-features.md")
    #expect(lines.count == 4)
    for line in lines {
      let outcome = try MedullaCommandLine.shell(line)
      #expect(outcome.status == 0 && !(outcome.output + outcome.errors).isEmpty, "\(line)\n\(outcome.errors)")
    }
  }

  @Test("every make target that a document names is in the Makefile")
  func makeTargets() throws {
    let makefile = try Self.text("Makefile")
    for document in ["README.md", "HACKING.md"] {
      let words = try Self.text(document).components(separatedBy: "make ").dropFirst()
      for word in words {
        let target = word.prefix { $0.isLetter || $0 == "-" }
        guard
          ["setup", "demo", "test", "check", "integration", "bench", "fuzz", "docs", "build", "format"]
            .contains(String(target))
        else { continue }
        #expect(makefile.contains("\n\(target):"), "\(document) names make \(target)")
      }
    }
  }

  @Test(
    "every subcommand that a document names exists",
    arguments: [
      "README.md", "models/README.md", "docs/use/experiments.md", "docs/use/flow-features.md",
      "examples/classifier/README.md", "examples/labels/README.md", "examples/scheduling/README.md",
      "examples/paths/README.md",
    ])
  func subcommands(document: String) throws {
    let known = try MedullaCommandLine.run(["--help"]).output
    let lines = try Self.commands(in: document)
    #expect(!lines.isEmpty, "\(document) shows no command in a ```sh block")
    for line in lines {
      guard let range = line.range(of: "bin/medulla ") else { continue }
      let name = line[range.upperBound...].prefix { $0 != " " }
      #expect(known.contains("  \(name) "), "\(document): \(line)")
    }
  }

  static func text(_ document: String) throws -> String {
    try String(contentsOf: MedullaCommandLine.root.appendingPathComponent(document), encoding: .utf8)
  }

  /// The lines of the ```sh blocks, with continued lines joined.
  static func commands(in document: String) throws -> [String] {
    var found: [String] = []
    var inside = false
    var pending = ""
    for line in try Self.text(document).components(separatedBy: "\n") {
      if line.hasPrefix("```") {
        inside = line == "```sh"
        continue
      }
      guard inside, !line.isEmpty, !line.hasPrefix("#") else { continue }
      if line.hasSuffix("\\") {
        pending += line.dropLast()
        continue
      }
      found.append((pending + line).components(separatedBy: "  #")[0])
      pending = ""
    }
    return found
  }
}
