import Foundation
import Glibc
import MedullaAdaptation
import MedullaCompile
import MedullaDatapath
import MedullaKernel
import Testing

@testable import MedullaControl

@Suite(
  "daemon over the kernel", .serialized, .enabled(if: DaemonTestHost.isUsable, DaemonTestHost.reason))
struct KernelDaemonTests {
  /// The versions, digests and flow counts that the kernel has: what must survive a daemon.
  private func truth(_ name: String) throws -> [String] {
    try Instance(name).status().slots.map {
      "\($0.version) \($0.digest) \($0.state) \($0.flowsTaken)"
    }
  }

  @Test(
    "a daemon that is killed leaves the function on; the next one takes it over, and counts are still true")
  func takeover() throws {
    let folder = try DaemonFolder("k")
    let first = try folder.start()
    #expect(try folder.report().functions.first?.state.name == folder.name)
    let before = try truth(folder.name)
    kill(first.processIdentifier, SIGKILL)
    first.waitUntilExit()
    #expect(try truth(folder.name) == before)
    let second = try folder.start()
    #expect(try truth(folder.name) == before)
    #expect(folder.text.contains("took over snapshot 1"))
    let drained = try folder.report().functions.first?.state.batches ?? 0
    usleep(500_000)
    let state = try #require(try folder.report().functions.first?.state)
    #expect(state.isRunning)
    #expect(state.batches > drained)
    kill(second.processIdentifier, SIGTERM)
    second.waitUntilExit()
    #expect(second.terminationStatus == 0)
    #expect(try truth(folder.name) == before)
    #expect(try Instance(folder.name).status().sampling == 0)
  }

  @Test("told to detach, a daemon leaves nothing behind: no instance, no socket")
  func detach() throws {
    let folder = try DaemonFolder("d")
    let daemon = try folder.start()
    let client = try ControlClient(path: folder.socket)
    _ = try client.ask(ControlRequest(.stop, onStop: .detach))
    client.waitForEnd()
    daemon.waitUntilExit()
    #expect(daemon.terminationStatus == 0)
    #expect(!BPFFileSystem.exists(BPFFileSystem.root + "/" + folder.name))
    #expect(!FileManager.default.fileExists(atPath: folder.socket))
    #expect(throws: ControlError.self) { try ControlClient(path: folder.socket) }
  }

  @Test("a second daemon on the same state is refused and disturbs nothing")
  func single() throws {
    let folder = try DaemonFolder("s")
    let first = try folder.start()
    let process = Process()
    process.executableURL = first.executableURL
    process.arguments = first.arguments
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus != 0)
    #expect(text.contains("another daemon has"), "\(text)")
    #expect(try folder.report().process == first.processIdentifier)
  }

  @Test("a reload by signal applies what can change; a bad configuration changes nothing")
  func reload() throws {
    let folder = try DaemonFolder("r")
    let daemon = try folder.start()
    try folder.configure("", function: "sampling: 7")
    kill(daemon.processIdentifier, SIGHUP)
    #expect(DaemonFolder.waits { try Instance(folder.name).status().sampling == 7 })
    try folder.configure("nonsense: 1")
    kill(daemon.processIdentifier, SIGHUP)
    #expect(DaemonFolder.waits { folder.text.contains("stays as it was") })
    #expect(try folder.report().functions.count == 1)
    #expect(throws: ControlError.self) {
      try ControlClient(path: folder.socket).ask(ControlRequest(.reload))
    }
  }

  @Test("a bundle that is not there is refused before anything ends, and the function goes on")
  func mistyped() throws {
    let folder = try DaemonFolder("y")
    let daemon = try folder.start()
    try folder.configure("", function: "sampling: 9", bundle: "b.medulla")
    let error = #expect(throws: ControlError.self) {
      try ControlClient(path: folder.socket).ask(ControlRequest(.reload))
    }
    #expect(error?.message.contains("b.medulla is not a bundle") == true)
    kill(daemon.processIdentifier, SIGHUP)
    #expect(DaemonFolder.waits { folder.text.contains("b.medulla is not a bundle") })
    let batches = try folder.state().batches
    #expect(DaemonFolder.waits { try folder.state().batches > batches + 5 })
    #expect(try Instance(folder.name).status().sampling == 1)
    // It is not forgotten what was wanted: once it is there, it is applied.
    try folder.configure("", function: "sampling: 9")
    kill(daemon.processIdentifier, SIGHUP)
    #expect(DaemonFolder.waits { try Instance(folder.name).status().sampling == 9 })
  }

  @Test("a check finds bundles, programs and users that are not there")
  func check() throws {
    let folder = try DaemonFolder("e")
    #expect(try DaemonProcess.check(configuration: folder.path + "/m.yaml").contains("no errors"))
    try folder.configure(
      "user: nobody-of-that-name",
      function: "adapter: { kind: command, argv: [\"./no-such-program\"] }", bundle: "b.medulla")
    let error = #expect(throws: ControlError.self) {
      try DaemonProcess.check(configuration: folder.path + "/m.yaml")
    }
    for word in ["b.medulla", "no-such-program", "nobody-of-that-name"] {
      #expect(error?.message.contains(word) == true, "\(word)")
    }
  }

  @Test("a client that stops reading is served its own way, while others get their answers at once")
  func stalled() throws {
    let folder = try DaemonFolder("c")
    _ = try folder.start()
    let stalled = try (0..<8).map { _ in try ControlClient(path: folder.socket) }
    for client in stalled { try client.send(ControlRequest(.top, every: 0.05).line) }
    let begin = ContinuousClock.now
    for _ in 0..<50 { #expect(try folder.report().functions.count == 1) }
    #expect(ContinuousClock.now - begin < .seconds(10))
    let clients = (0..<40).map { _ in try? ControlClient(path: folder.socket) }
    #expect(throws: ControlError.self) { try clients.last??.ask(ControlRequest(.hello)) }
    withExtendedLifetime((stalled, clients)) {}
  }

  @Test("a hundred requests at once are all answered, also when the client then ends its side")
  func pipelined() throws {
    let folder = try DaemonFolder("q")
    _ = try folder.start()
    let client = try ControlClient(path: folder.socket)
    try client.send((0..<100).flatMap { _ in ControlRequest(.hello).line })
    shutdown(client.descriptor, Int32(SHUT_WR))
    let begin = ContinuousClock.now
    for _ in 0..<100 { _ = try client.result() }
    #expect(ContinuousClock.now - begin < .seconds(5))
  }

  @Test("as another user with three capabilities, a daemon still changes, learns and detaches what it hosts")
  func unprivileged() throws {
    let folder = try DaemonFolder("u")
    defer { restoreOwnership() }
    chmod(folder.path, 0o755)
    try folder.configure("user: nobody")
    // As systemd mounts it: shut to all but root, and so it stays.
    var facts = stat()
    #expect(stat(BPFFileSystem.mountPoint, &facts) == 0 && chmod(BPFFileSystem.mountPoint, 0o700) == 0)
    let before = facts.st_mode & 0o7777
    defer { chmod(BPFFileSystem.mountPoint, before) }
    let daemon = try folder.start()
    #expect(stat(BPFFileSystem.mountPoint, &facts) == 0 && facts.st_mode & 0o7777 == 0o700)
    let report = try folder.report()
    #expect(report.user == "nobody")
    #expect(report.capabilities == Privileges.kept.map(\.name))
    #expect(report.functions.first?.kernelError == nil)
    let client = try ControlClient(path: folder.socket)
    _ = try client.ask(ControlRequest(.stop, onStop: .detach))
    daemon.waitUntilExit()
    #expect(!BPFFileSystem.exists(BPFFileSystem.root + "/" + folder.name))
  }

  /// What the daemon gave to its user, root has again.
  private func restoreOwnership() {
    for path in [BPFFileSystem.root, FileLock.defaultPath, Daemon.runDirectory] { lchown(path, 0, 0) }
  }
}
