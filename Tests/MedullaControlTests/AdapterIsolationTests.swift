import Foundation
import Glibc
import MedullaAdaptation
import MedullaDatapath
import MedullaKernel
import Testing

@testable import MedullaControl

@Suite(
  "adapters kept from what is not theirs", .serialized,
  .enabled(if: DaemonTestHost.isUsable, DaemonTestHost.reason))
struct AdapterIsolationTests {
  /// What each try of the hostile adapter came to, by the daemon's log.
  private func outcomes(isolation: String, letter: String) throws -> [String: String] {
    let folder = try DaemonFolder(letter)
    let listener = try LoopbackListener()
    let open = folder.path + "/open"
    try FileManager.default.createDirectory(atPath: open, withIntermediateDirectories: true)
    chmod(open, 0o777)
    let other = folder.path + "/state-adapters/other"
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
    try Data("secret".utf8).write(to: URL(fileURLWithPath: other + "/secret"))
    // The same user's, so that permissions alone would not keep it.
    let nobody = try #require(getpwnam("nobody")).pointee
    for path in [other, other + "/secret"] { chown(path, nobody.pw_uid, nobody.pw_gid) }
    let adapter = try StandInAdapter.write(
      to: folder.path,
      hook: HostileAdapter.hook([
        "pid": folder.path + "/daemon.pid", "pin": BPFFileSystem.root + "/\(folder.name)/link",
        "socket": folder.socket, "lock": FileLock.defaultPath, "state": folder.path + "/state/history.sqlite",
        "port": "\(listener.port)", "other": other + "/secret", "open": open,
      ]))
    try folder.configure(
      "",
      function: """
        adapter:
          kind: command
          argv: [/usr/bin/python3, "\(adapter)"]
          deadline: 60s
          memory: 512MiB
          tasks: 64
        \(isolation.isEmpty ? "" : "  " + isolation)
        """)
    let daemon = try folder.start()
    try Data("\(daemon.processIdentifier)".utf8).write(
      to: URL(fileURLWithPath: folder.path + "/daemon.pid"))
    let flow = try LoopbackFlow(congestion: Instance(folder.name).status().congestion)
    defer { flow.end() }
    #expect(DaemonFolder.waits(90) { folder.text.contains("attempts: all made") }, "\(folder.text)")
    // It goes on: the next round is answered, and the daemon is well.
    #expect(DaemonFolder.waits { try folder.state().rounds >= 2 }, "\(folder.text)")
    var outcomes: [String: String] = [:]
    for line in folder.text.split(separator: "\n") {
      guard let found = line.firstMatch(of: /attempt ([a-z_ ]+): (succeeded|refused by [A-Za-z]+)/) else {
        continue
      }
      outcomes[String(found.output.1)] = String(found.output.2)
    }
    let report = try folder.report().functions.first?.isolation ?? ""
    let why = try ControlClient(path: folder.socket).ask(ControlRequest(.why), as: WhyAnswer.self)
    let isBare = isolation.contains("none")
    #expect(report.hasPrefix("none") == isBare && report.contains("nobody") != isBare, "\(report)")
    #expect("\(why)".contains("WITHOUT isolation") == isBare)
    #expect(folder.text.contains("WITHOUT isolation") == isBare)
    return outcomes
  }

  @Test(
    "without isolation a hostile adapter does all that needs no capability; log, status and why say so"
  )
  func bare() throws {
    let outcomes = try outcomes(isolation: "isolation: none", letter: "n")
    for attempt in HostileAdapter.attempts where !HostileAdapter.needCapabilities.contains(attempt) {
      #expect(outcomes[attempt] == "succeeded", "\(attempt): \(outcomes[attempt] ?? "not made")")
    }
  }

  @Test("with isolation every try of a hostile adapter is refused, and its rounds go on")
  func isolated() throws {
    let outcomes = try outcomes(isolation: "user: nobody", letter: "i")
    for attempt in HostileAdapter.attempts {
      #expect(outcomes[attempt]?.hasPrefix("refused") == true, "\(attempt): \(outcomes[attempt] ?? "none")")
    }
  }

  @Test("a process adapter under root without a user is refused, and the error says how to configure it")
  func noUser() throws {
    let folder = try DaemonFolder("w")
    let adapter = try StandInAdapter.write(to: folder.path)
    for (key, word) in [("", "needs a user of its own"), ("user: root", "cannot be isolated as root")] {
      try folder.configure(
        "", function: "adapter:\n  kind: command\n  argv: [/usr/bin/python3, \"\(adapter)\"]\n  \(key)")
      let error = #expect(throws: ControlError.self) { try folder.start() }
      #expect(error?.message.contains(word) == true, "\(String(describing: error))")
      #expect(error?.message.contains("`user`") == true && error?.message.contains("isolation: none") == true)
      #expect(!BPFFileSystem.exists(BPFFileSystem.root + "/" + folder.name))
    }
  }

  @Test("isolated as a user of its own, a well-behaved adapter learns until its network is promoted")
  func wholeRound() throws {
    let folder = try DaemonFolder("o")
    let adapter = try StandInAdapter.write(to: folder.path)
    try LearningProcessTests.configure(folder, adapter, more: "watch: { window: 2s, loss: 1.0 }")
    _ = try folder.start()
    let flow = try LoopbackFlow(congestion: Instance(folder.name).status().congestion)
    defer { flow.end() }
    #expect(DaemonFolder.waits(60) { try folder.state().promotions >= 1 }, "\(folder.text)")
    #expect(try folder.state().failures == 0)
  }

  @Test("the daemon's own user is refused as the adapter's, and a user that came later needs a restart")
  func daemonsUser() throws {
    let text = """
      daemon: { user: nobody }
      function:
        - name: a
          bundle: b
          adapter: { kind: command, argv: [/bin/true], user: nobody }
      """
    let error = #expect(throws: ControlError.self) { try Configuration(text: text) }
    #expect(error?.message.contains("the daemon's own") == true)
    let folder = try DaemonFolder("z")
    let adapter = try StandInAdapter.write(to: folder.path)
    let daemon = try folder.start()
    let batches = try folder.state().batches
    try folder.configure(
      "",
      function: "adapter: { kind: command, argv: [/usr/bin/python3, \"\(adapter)\"], user: nobody }")
    kill(daemon.processIdentifier, SIGHUP)
    #expect(DaemonFolder.waits { folder.text.contains("started without an adapter of user nobody") })
    #expect(DaemonFolder.waits { try folder.state().batches > batches })
  }
}

/// A TCP port of the loopback that takes connections.
private final class LoopbackListener {
  let port: UInt16
  private let descriptor: Int32

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = self.descriptor
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 8) == 0
          && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else { throw UnixSocket.system("listen on the loopback") }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }
}
