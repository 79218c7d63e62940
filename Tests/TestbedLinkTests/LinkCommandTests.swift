import Foundation
import TestbedCases
import Testing

@testable import TestbedLink

extension RealLinks {
  @Suite(
    "`medulla link` as a user meets it", .serialized,
    .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
  struct LinkCommandTests {
    /// Runs `medulla link` with these words.
    private func link(_ words: String...) throws -> ChildProcess.Outcome {
      let child = try ChildProcess([TestHost.lab, "link"] + words)
      let outcome = try child.finish(within: .seconds(30))
      #expect(TestHost.namespaces(of: child.identifier).isEmpty)
      return outcome
    }

    @Test("the exit status is the command's, also after a signal and when there is no such program")
    func statuses() throws {
      #expect(try link("--", "true").status == 0)
      #expect(try link("--", "sh", "-c", "exit 42").status == 42)
      #expect(try link("--", "sh", "-c", "kill -9 $$").status == 128 + SIGKILL)
      #expect(try link("--", "/nonexistent/program").status == 127)
    }

    @Test("standard input reaches the command, and its output is all there is on standard output")
    func streams() throws {
      let child = try ChildProcess(
        [TestHost.lab, "link", "--rate", "10mbit", "--", "tr", "a-z", "A-Z"], input: .pipe)
      child.send("through the link\n")
      child.closeInput()
      let outcome = try child.finish(within: .seconds(20))
      #expect(outcome.outputText == "THROUGH THE LINK\n")
      #expect(outcome.errorText.contains("client to server"))
    }

    @Test("each way has its delay, and a link within a link is one of its own")
    func nested() throws {
      let outcome = try link(
        "--delay", "500ms", "--", TestHost.lab, "link", "--delay", "5ms", "--return-delay", "30ms", "--",
        "sh", "-c", "ping -n -c 3 -i 0.2 $MEDULLA_SERVER")
      let times = outcome.outputText.split(separator: " ").filter { $0.hasPrefix("time=") }
        .compactMap { Double($0.dropFirst(5)) }
      #expect(times.count == 3, "\(outcome.errorText)")
      #expect(times.allSatisfy { $0 >= 35 && $0 < 500 }, "\(times)")
    }

    @Test("what the command left running ends with the link")
    func strays() throws {
      let outcome = try link(
        "--server", "setsid sleep 1000 & setsid sleep 1001 & wait", "--", "sh", "-c",
        "setsid sleep 1000 & echo $!; sleep 0.3")
      let stray = try #require(
        pid_t(outcome.outputText.split(separator: "\n").last.map(String.init) ?? ""))
      #expect(TestHost.becomes { !TestHost.runs(stray) })
    }

    @Test("Ctrl-C lets the command end by itself, and says so by status 130")
    func interrupted() throws {
      // What a terminal does: the signal goes to the whole group.
      let child = try ChildProcess([
        "setsid", "--wait", TestHost.lab, "link", "--", "sh", "-c",
        "trap 'echo ended by itself; exit 0' INT; echo $PPID; while :; do sleep 0.1; done",
      ])
      let owner = try #require(try child.readLine(within: .seconds(20)).flatMap { pid_t($0) })
      kill(-getpgid(owner), SIGINT)
      let outcome = try child.finish(within: .seconds(20))
      #expect(outcome.status == 130)
      #expect(outcome.outputText == "ended by itself\n")
      #expect(TestHost.becomes { TestHost.namespaces(of: owner).isEmpty })
    }

    @Test("a command that does not listen to a signal is ended all the same")
    func stubborn() throws {
      let child = try ChildProcess([
        TestHost.lab, "link", "--", "sh", "-c", "trap '' INT TERM; echo $$; while :; do sleep 0.1; done",
      ])
      let stubborn = try #require(try child.readLine(within: .seconds(20)).flatMap { pid_t($0) })
      kill(child.identifier, SIGTERM)
      #expect(try child.finish(within: .seconds(20)).status == 130)
      #expect(!TestHost.runs(stubborn))
    }

    @Test("a link that is gone ends the command, with an error")
    func gone() throws {
      let child = try ChildProcess([TestHost.lab, "link", "--", "sh", "-c", "echo up; sleep 1000"])
      #expect(try child.readLine(within: .seconds(20)) == "up")
      let worker = try ChildProcess.run(["pgrep", "-P", "\(child.identifier)", "-f", "link-worker"])
      let identifier = try #require(pid_t(worker.outputText.split(separator: "\n").first ?? ""))
      kill(identifier, SIGKILL)
      let outcome = try child.finish(within: .seconds(20))
      #expect(outcome.status == 1)
      #expect(outcome.errorText.contains("137"))
    }

    @Test("a trace file shapes the link, and a bad one is refused with its line")
    func traces() throws {
      let file = FileManager.default.temporaryDirectory.appendingPathComponent("trace-\(getpid())").path
      defer { try? FileManager.default.removeItem(atPath: file) }
      try Data("40\n".utf8).write(to: URL(fileURLWithPath: file))
      let outcome = try link(
        "--trace", file, "--return-rate", "10mbit", "--json", "--", "sh", "-c",
        "ping -q -c 5 -i 0.2 $MEDULLA_SERVER >&2")
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let report = try decoder.decode(LinkReport.self, from: Data(outcome.output))
      let window = report.forward.windows[0]
      #expect(window.deliveredSegments >= 5)
      // One opportunity each 40 ms: whoever comes in between waits for it.
      #expect(window.queueingDelay.maximumMilliseconds > 1 && window.queueingDelay.maximumMilliseconds < 41)
      try Data("40\n30\n".utf8).write(to: URL(fileURLWithPath: file))
      let refused = try link("--trace", file, "--", "true")
      #expect(refused.status == 1)
      #expect(refused.errorText.contains("Line 2 of the trace"))
    }

    @Test("a rate beyond the ceiling is refused before anything is made")
    func ceiling() throws {
      let outcome = try link("--rate", "40gbit", "--", "true")
      #expect(outcome.status == 1)
      #expect(outcome.errorText.contains("ceiling of 3593 Mbit/s"))
    }
  }
}
