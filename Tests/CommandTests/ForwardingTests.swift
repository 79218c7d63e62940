import Foundation
import Testing

/// `medulla link|demo|experiment|baseline`: the commands of `medulla-lab`, by becoming it.
@Suite("Forwarded commands", .serialized)
struct ForwardingTests {
  @Test(
    "the help lists them, and each one's own help is the lab's",
    arguments: ["link", "demo", "experiment", "baseline"])
  func help(command: String) throws {
    let listed = try MedullaCommandLine.run(["--help"]).output
    #expect(listed.contains("  \(command) "))
    let own = try MedullaCommandLine.run(["help", command])
    #expect(own.status == 0)
    #expect(own.output.contains("medulla-lab \(command)"))
    #expect(try MedullaCommandLine.run([command, "--help"]).output == own.output)
  }

  @Test("arguments pass unchanged, and the lab's exit status and errors are the command's")
  func arguments() throws {
    let list = try MedullaCommandLine.run(["experiment", "list", "--json"])
    #expect(list.status == 0)
    #expect(list.output.hasPrefix("{"))
    let wrong = try MedullaCommandLine.run(["link", "--rate", "no rate", "--", "a b", ""])
    #expect(wrong.status != 0)
    #expect(wrong.errors.contains("`no rate` is no rate"))
    #expect(wrong.output.isEmpty)
    #expect(try MedullaCommandLine.run(["baseline", "nothing"]).status == 64)
    #expect(try MedullaCommandLine.run(["bench", "collecting", "--seconds", "61", "x"]).status == 64)
  }

  @Test("nothing but whole words is forwarded: the product's own commands stay its own")
  func own() throws {
    let help = try MedullaCommandLine.run(["bench", "inference", "--help"]).output
    #expect(help.contains("medulla bench inference"))
    #expect(try MedullaCommandLine.run(["links"]).status == 64)
  }

  @Test("the process is the same, so that signals and waiting reach the command itself")
  func process() throws {
    let medulla = MedullaCommandLine.executable.path
    let outcome = try MedullaCommandLine.shell(
      """
      '\(medulla)' demo --simulate >/dev/null 2>&1 & lab=$!
      for try in $(seq 100); do
        case $(readlink /proc/$lab/exe) in */medulla-lab) break ;; esac; sleep 0.1
      done
      basename "$(readlink /proc/$lab/exe)"
      kill -KILL $lab; wait $lab 2>/dev/null; echo $?
      """)
    #expect(outcome.output == "medulla-lab\n137\n", "\(outcome.output)\(outcome.errors)")
  }

  @Test("where the lab does not lie beside, the error says where it looked and what to do")
  func missing() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-alone-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let copy = folder.appendingPathComponent("medulla")
    try FileManager.default.copyItem(at: MedullaCommandLine.executable, to: copy)
    let outcome = try MedullaCommandLine.shell("'\(copy.path)' link -- true")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("`medulla-lab` does not lie in"))
    #expect(outcome.errors.contains("make build"))
    #expect(outcome.output.isEmpty)
  }
}
