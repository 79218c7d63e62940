import Foundation
import Glibc
import MedullaCompile
import MedullaDatapath
import MedullaKernel
import Testing

@testable import MedullaControl

@Suite(
  "the daemon as a service", .serialized, .enabled(if: DaemonTestHost.isUsable, DaemonTestHost.reason))
struct ServiceProcessTests {
  @Test("the service manager hears when it is ready, that it lives, that it reloads, and that it stops")
  func notifies() throws {
    let folder = try DaemonFolder("n")
    let messages = try MessageSocket(path: folder.path + "/n.sock")
    let daemon = try folder.start(
      environment: ["NOTIFY_SOCKET": folder.path + "/n.sock", "WATCHDOG_USEC": "600000"])
    let ready = try #require(messages.lines(until: "READY=1"))
    #expect(!ready.contains("WATCHDOG=1"))
    for _ in 0..<3 { #expect(messages.lines(until: "WATCHDOG=1") != nil) }
    kill(daemon.processIdentifier, SIGHUP)
    let reload = try #require(messages.lines(until: "READY=1"))
    #expect(reload.contains("RELOADING=1"))
    #expect(reload.contains { $0.hasPrefix("MONOTONIC_USEC=") })
    kill(daemon.processIdentifier, SIGTERM)
    let stopping = try #require(messages.lines(until: "STOPPING=1"))
    #expect(stopping.contains("STATUS=stopping"))
    daemon.waitUntilExit()
    #expect(daemon.terminationStatus == 0)
    #expect(messages.next().isEmpty)
  }

  @Test("a daemon whose watchdog is another process's says nothing to it")
  func othersWatchdog() throws {
    let folder = try DaemonFolder("o")
    let messages = try MessageSocket(path: folder.path + "/n.sock")
    _ = try folder.start(
      environment: [
        "NOTIFY_SOCKET": folder.path + "/n.sock", "WATCHDOG_USEC": "300000", "WATCHDOG_PID": "1",
      ])
    _ = try #require(messages.lines(until: "READY=1"))
    for _ in 0..<5 { #expect(messages.next().isEmpty) }
  }

  @Test("a socket that the service manager made is served, and is not removed at the end")
  func activation() throws {
    let folder = try DaemonFolder("l")
    let listener = try UnixSocket.listen(at: folder.socket, mode: 0o600, group: nil)
    // Asked before there is a daemon: the answer comes when there is one.
    let early = try ControlClient(path: folder.socket)
    try early.send(ControlRequest(.hello).line)
    let daemon = try folder.start(
      command: [
        "/bin/sh", "-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$1\" 3<&0 0</dev/null",
        DaemonFolder.program.path, folder.path + "/m.yaml",
      ], input: FileHandle(fileDescriptor: listener, closeOnDealloc: true))
    _ = try early.result()
    #expect(try folder.report().socketOrigin == "passed")
    kill(daemon.processIdentifier, SIGTERM)
    daemon.waitUntilExit()
    #expect(daemon.terminationStatus == 0)
    #expect(FileManager.default.fileExists(atPath: folder.socket))
  }

  @Test("a daemon that was told to detach stays so when a client's question starts it again")
  func activationAfterDetach() throws {
    let folder = try DaemonFolder("a")
    let listener = try UnixSocket.listen(at: folder.socket, mode: 0o600, group: nil)
    defer { close(listener) }
    func start() throws -> Process {
      try folder.start(
        command: [
          "/bin/sh", "-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$1\" 3<&0 0</dev/null",
          DaemonFolder.program.path, folder.path + "/m.yaml",
        ], input: FileHandle(fileDescriptor: dup(listener), closeOnDealloc: true))
    }
    let first = try start()
    #expect(try folder.report().functions.count == 1)
    _ = try ControlClient(path: folder.socket).ask(ControlRequest(.stop, onStop: .detach))
    first.waitUntilExit()
    // `start` asks before there is a daemon, as `medulla top` does.
    _ = try start()
    #expect(try folder.report().functions.isEmpty)
    #expect(!BPFFileSystem.exists(BPFFileSystem.root + "/" + folder.name))
    let client = try ControlClient(path: folder.socket)
    let why = try client.ask(ControlRequest(.why), as: WhyAnswer.self).functions
    #expect(why.map(\.function) == [folder.name])
    let error = #expect(throws: ControlError.self) {
      try client.ask(ControlRequest(.pause, function: folder.name))
    }
    #expect(error?.remedy.contains("medulla reload") == true)
    _ = try client.ask(ControlRequest(.reload))
    #expect(DaemonFolder.waits { try folder.report().functions.count == 1 }, "\(folder.text)")
  }

  @Test(
    "a log that cannot be written ends nothing: a full disk, a pipe that nobody reads",
    arguments: ["2>/dev/full", "2> >(true)"])
  func brokenLog(redirection: String) throws {
    let folder = try DaemonFolder(redirection.contains("full") ? "b" : "i")
    let daemon = try folder.start(
      command: [
        "/bin/bash", "-c", "sleep 0.3; exec \"$0\" \"$1\" \(redirection)", DaemonFolder.program.path,
        folder.path + "/m.yaml",
      ])
    for method in [ControlMethod.pause, .resume, .reload] {
      _ = try ControlClient(path: folder.socket).ask(ControlRequest(method))
    }
    let batches = try folder.state().batches
    #expect(DaemonFolder.waits { try folder.state().batches > batches + 5 })
    kill(daemon.processIdentifier, SIGTERM)
    daemon.waitUntilExit()
    #expect(daemon.terminationReason == .exit && daemon.terminationStatus == 0)
  }

  @Test("lines that were lost are counted in the log once it can be written again")
  func lostLines() throws {
    let output = LogOutput()
    let full = open("/dev/full", O_WRONLY)
    defer { close(full) }
    for _ in 0..<3 { output.write("lost", to: full) }
    #expect(output.lostLines == 3)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    output.write("here", to: ends[1])
    close(ends[1])
    let handle = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
    #expect(
      String(decoding: handle.readDataToEndOfFile(), as: UTF8.self)
        == "(3 lines of the log were lost)\nhere\n")
    #expect(output.lostLines == 0)
  }

  @Test("sockets that are meant for another process are left alone")
  func othersSocket() throws {
    let folder = try DaemonFolder("m")
    _ = try folder.start(environment: ["LISTEN_PID": "1", "LISTEN_FDS": "1"])
    #expect(try folder.report().socketOrigin == "own")
  }

  @Test("a full disk stops neither the loop nor the fast path; it is said, and when there is room it goes on")
  func fullDisk() throws {
    let folder = try DaemonFolder("f")
    let state = folder.path + "/state"
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    guard mount("medulla-test", state, "tmpfs", 0, "size=1m") == 0 else {
      throw ControlError(.io, "cannot mount a small file system at \(state): \(errno)")
    }
    // Lazily: the daemon's files may be open still.
    defer { umount2(state, Int32(MNT_DETACH)) }
    let daemon = try folder.start()
    let client = try ControlClient(path: folder.socket)
    func command() throws {
      for method in [ControlMethod.pause, .resume] {
        _ = try client.ask(ControlRequest(method, function: folder.name))
      }
    }
    try command()
    #expect(DaemonFolder.waits { try folder.report().history.written >= 2 })
    let filler = state + "/filler"
    let file = open(filler, O_CREAT | O_WRONLY, 0o600)
    let block = [UInt8](repeating: 1, count: 4_096)
    while write(file, block, block.count) > 0 {}
    close(file)
    // SQLite's log has room of its own for a few rows.
    #expect(
      DaemonFolder.waits {
        try command()
        return try !folder.report().history.ok
      })
    let health = try folder.report().history
    #expect(health.failures > 0)
    #expect(health.lastFailure?.contains("full") == true, "\(health.lastFailure ?? "")")
    #expect(folder.text.contains("full"))
    let batches = try folder.state().batches
    #expect(DaemonFolder.waits { try folder.state().batches > batches + 20 })
    let slots = try Instance(folder.name).status().slots
    #expect(slots.contains { $0.state == .active && $0.version == 1 })
    let written = health.written
    unlink(filler)
    #expect(
      DaemonFolder.waits {
        try command()
        let now = try folder.report().history
        return now.ok && now.written > written
      })
    let records = try client.ask(
      ControlRequest(.history, function: folder.name, limit: 1_000), as: HistoryAnswer.self
    ).records
    #expect(records.contains { $0.record == .command(.pause) })
    kill(daemon.processIdentifier, SIGTERM)
    daemon.waitUntilExit()
    #expect(daemon.terminationStatus == 0)
  }
}
