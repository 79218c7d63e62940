import CHost
import Foundation
import Glibc
import Synchronization
import Testing

@testable import MedullaControl

@Suite("Giving files away", .serialized, .enabled(if: geteuid() == 0, "needs root"))
struct OwnershipTests {
  private let base = NSTemporaryDirectory() + "medulla-owner-\(getpid())"

  private func owner(_ path: String) -> uid_t? {
    var facts = stat()
    return lstat(path, &facts) == 0 ? facts.st_uid : nil
  }

  private func make(_ folders: [String]) throws {
    for folder in folders {
      try FileManager.default.createDirectory(
        atPath: base + "/" + folder, withIntermediateDirectories: true)
    }
  }

  @Test("a link that is put in a directory's place in between gives nothing outside away")
  func raced() throws {
    defer { try? FileManager.default.removeItem(atPath: base) }
    try make(["tree/inner", "outside"])
    for folder in ["tree/inner", "outside"] {
      try Data().write(to: URL(fileURLWithPath: "\(base)/\(folder)/file"))
    }
    symlink(base + "/outside", base + "/tree/link")
    let account = try Privileges.account(named: "nobody")
    let isOver = Mutex(false)
    let (inner, link) = (base + "/tree/inner", base + "/tree/link")
    let racer = Thread { while !isOver.withLock({ $0 }) { _ = medulla_exchange(inner, link) } }
    racer.start()
    for _ in 0..<3_000 where owner(base + "/outside/file") == 0 {
      try OwnedTree.give(base + "/tree", to: account)
    }
    isOver.withLock { $0 = true }
    #expect(owner(base + "/outside/file") == 0 && owner(base + "/outside") == 0)
    #expect(owner(base + "/tree") == account.user)
  }

  @Test("a file that has another name elsewhere is refused")
  func linked() throws {
    defer { try? FileManager.default.removeItem(atPath: base) }
    try make(["tree"])
    try Data().write(to: URL(fileURLWithPath: base + "/file"))
    #expect(link(base + "/file", base + "/tree/file") == 0)
    let account = try Privileges.account(named: "nobody")
    let error = #expect(throws: ControlError.self) { try OwnedTree.give(base + "/tree", to: account) }
    #expect(error?.message.contains("other names") == true)
    #expect(owner(base + "/file") == 0)
  }

  @Test("the unit bounds and shuts what the daemon does not need, and systemd reads it")
  func unit() throws {
    let path = DaemonTestHost.root + "/systemd/medullad.service"
    let lines = Set(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init))
    for line in [
      "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectProc=invisible", "IPAddressDeny=any",
      "TasksMax=512", "MemoryMax=75%",
      "RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6 AF_PACKET",
      "StateDirectory=medulla medulla-adapters", "ReadWritePaths=/run",
    ] { #expect(lines.contains(line), "\(line)") }
    #expect(!lines.contains { $0.contains("/sys/fs/bpf") })
    let calls = lines.first { $0.hasPrefix("SystemCallFilter=") } ?? ""
    for call in ["bpf", "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"] {
      #expect(calls.contains(" \(call)"), "\(call)")
    }
    let analyze = "/usr/bin/systemd-analyze"
    guard FileManager.default.isExecutableFile(atPath: analyze) else { return }
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: analyze)
    process.arguments = ["verify", "--recursive-errors=no", path]
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    // That the program is not installed here is no fault of the unit.
    let faults = text.split(separator: "\n").filter {
      $0.contains("medullad") && !$0.contains("is not executable")
    }
    #expect(faults.isEmpty, "\(faults)")
  }
}
