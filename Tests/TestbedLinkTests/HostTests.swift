import Foundation
import TestbedCases
import Testing

@testable import TestbedLink

@Suite("Programs and namespaces")
struct HostTests {
  @Test("a program's output, errors and status are kept apart")
  func outcome() throws {
    let outcome = try ChildProcess(["sh", "-c", "echo out; echo err >&2; exit 3"]).finish(
      within: .seconds(10))
    #expect(outcome.status == 3)
    #expect(outcome.outputText == "out\n")
    #expect(outcome.errorText == "err\n")
  }

  @Test("a status other than 0 is an error that quotes what the program said")
  func failure() {
    #expect {
      try ChildProcess.run(["sh", "-c", "echo no such thing >&2; exit 2"])
    } throws: { error in
      (error as? TestbedError)?.code == .processFailed && "\(error)".contains("no such thing")
    }
  }

  @Test("a missing program is named")
  func missing() {
    #expect { try ChildProcess(["medulla-no-such-program"]) } throws: { error in
      (error as? TestbedError)?.code == .missingProgram && "\(error)".contains("medulla-no-such-program")
    }
  }

  @Test("a program that takes too long is ended")
  func timeLimit() throws {
    let child = try ChildProcess(["sleep", "60"])
    #expect { try child.finish(within: .milliseconds(50)) } throws: { error in
      (error as? TestbedError)?.code == .timedOut
    }
    #expect(!child.isRunning)
  }

  @Test("a program that ignores SIGTERM is killed")
  func stubborn() throws {
    let child = try ChildProcess(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"])
    #expect(try child.readLine(within: .seconds(5)) == "ready")
    child.end(patience: .milliseconds(100))
    #expect(!child.isRunning)
  }

  @Test("more output than a pipe holds arrives whole")
  func muchOutput() throws {
    let outcome = try ChildProcess.run(["sh", "-c", "head -c 1000000 /dev/zero"])
    #expect(outcome.output.count == 1_000_000)
  }

  @Test("a grandchild that keeps the pipes open does not keep the caller waiting")
  func grandchild() throws {
    let child = try ChildProcess(["sh", "-c", "echo $$; sleep 30 & echo $!"])
    let outcome = try child.finish(within: .seconds(10))
    let lines = outcome.outputText.split(separator: "\n")
    #expect(lines.count == 2)
    if let sleeper = lines.last.flatMap({ pid_t($0) }) { kill(sleeper, SIGKILL) }
  }

  @Test("what a program reads from its standard input is what was sent; a dead one refuses")
  func input() throws {
    let child = try ChildProcess(["head", "-n", "1"], input: .pipe)
    #expect(child.send("hello\n"))
    #expect(try child.readLine(within: .seconds(5)) == "hello")
    _ = try child.finish(within: .seconds(5))
    #expect(!child.send("again\n"))
  }

  @Test("the environment reaches the program, with changes")
  func environment() throws {
    let outcome = try ChildProcess.run(
      ["sh", "-c", "echo $MEDULLA_TEST:$PATH"], environment: ["MEDULLA_TEST": "value with spaces"])
    #expect(outcome.outputText.hasPrefix("value with spaces:/"))
  }

  @Test(
    "the owner is read from names of our form only",
    arguments: [
      ("medulla-123-4-client", 123), ("medulla-1-0-a-b", 1), ("medulla-123-client", nil),
      ("medulla-x-4-client", nil), ("other-123-4-client", nil), ("medulla--1-4-c", nil),
      ("medulla-0-1-c", nil),
      ("medulla-123-4-", nil), ("medulla-99999999999-4-c", nil), ("", nil),
    ] as [(String, pid_t?)])
  func owner(name: String, owner: pid_t?) {
    #expect(NetworkNamespace.owner(of: name) == owner)
  }

  @Test(
    "the kernel's own congestion controls are found, others refused by name",
    .enabled(if: !CongestionControls.available().isEmpty, "needs Linux's list of congestion controls"))
  func congestionControls() throws {
    try CongestionControls.require("reno")
    #expect { try CongestionControls.require("no-such-control") } throws: { error in
      (error as? TestbedError)?.code == .missingCongestionControl
    }
  }
}

extension RealLinks {
  @Suite("Namespaces")
  struct NamespaceTests {
    @Test(
      "namespaces of dead owners are removed, those of living ones stay",
      .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
    func abandoned() throws {
      let dead = try ChildProcess(["true"])
      _ = try dead.finish(within: .seconds(5))
      let name = "medulla-\(dead.identifier)-0-abandoned"
      try ChildProcess.run(["ip", "netns", "add", name])
      let living = try NetworkNamespace(role: "living")
      defer { living.remove() }
      #expect(NetworkNamespace.abandoned().contains(name))
      #expect(NetworkNamespace.removeAbandoned().contains(name))
      #expect(!TestHost.namespaces().contains(name))
      #expect(TestHost.namespaces().contains(living.name))
    }
  }
}
