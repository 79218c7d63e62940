import CHost
import Foundation
import Glibc
import Logging
import Testing

@testable import MedullaAdaptation

@Suite("Processes with somebody's channel")
struct ChannelProcessTests {
  /// Keeps what is logged.
  private struct Lines: LogHandler {
    final class Store: @unchecked Sendable {
      private let lock = NSLock()
      private var stored: [String] = []
      func add(_ line: String) { lock.withLock { stored.append(line) } }
      var all: [String] { lock.withLock { stored } }
    }

    let store: Store
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      store.add("\(event.message) \(event.metadata?.keys.sorted() ?? [])")
    }
  }

  private static func logger(_ store: Lines.Store) -> Logger {
    Logger(label: "test") { _ in Lines(store: store) }
  }

  private static func waits(_ condition: () -> Bool) -> Bool {
    for _ in 0..<500 {
      if condition() { return true }
      usleep(10_000)
    }
    return false
  }

  @Test("what it writes is logged line by line, its last line too, and how it ended is told")
  func output() throws {
    let store = Lines.Store()
    var ends: [Int32] = [-1, -1]
    try #require(medulla_make_channel(&ends) == 0)
    defer { ends.forEach { close($0) } }
    let process = try ChannelProcess(
      [
        "/bin/sh", "-c",
        "echo one; echo two >&2; test -S /proc/self/fd/$MEDULLA_TEST_FD && printf three; exit 3",
      ],
      name: "channel-\(getpid())", directory: "/", isolation: ProcessIsolation(level: .none),
      variable: "MEDULLA_TEST_FD", channel: ends[1], log: Self.logger(store))
    var ending: String?
    #expect(
      Self.waits {
        ending = process.ending()
        return ending != nil
      })
    #expect(ending == "it ended with status 3")
    #expect(process.tail == ["one", "two", "three"])
    #expect(store.all == process.tail.map { "\($0) [\"process\"]" })
  }

  @Test("a flood is cut to so many lines a call, and the last ones are kept")
  func flood() throws {
    let store = Lines.Store()
    var pipe: [Int32] = [-1, -1]
    try #require(medulla_make_pipe(&pipe) == 0)
    try #require(fcntl(pipe[0], F_SETFL, O_NONBLOCK) == 0)
    let output = ChildPipe(pipe[0], of: getpid(), as: .adapter, log: Self.logger(store))
    // What a pipe holds.
    let text = Array((0..<1_000).map { "line \($0)\n" }.joined().utf8)
    try #require(write(pipe[1], text, text.count) == text.count)
    output.begin()
    #expect(store.all.count == ChildOutput.linesPerCall && store.all.first == "line 0 [\"adapter\"]")
    #expect(output.tail.last == "line 999" && output.tail.count == ChildOutput.keptLines)
    _ = write(pipe[1], Array("end".utf8), 3)
    close(pipe[1])
    output.begin()
    #expect(output.descriptor < 0 && output.tail.last == "end")
    #expect(store.all.suffix(2).map { $0.prefix(4) } == ["(800", "end "])
    output.end()
    #expect(output.tail.filter { $0 == "end" }.count == 1)
  }

  private static let roles: [(ProcessRole, name: String, user: String)] = [
    (.adapter, "an adapter", "medulla-adapter"), (.labelingAgent, "a labeling agent", "medulla-adapter"),
    (.networkFunction, "a network function", "medulla-nf"),
  ]

  @Test("errors name what was to be started", arguments: roles)
  func named(_ role: ProcessRole, _ name: String, _ user: String) throws {
    let none = KernelIsolation(landlock: 0, hasSeccomp: true).refusal(sharesUser: false, for: role)
    #expect(none?.message == "this kernel has no Landlock to isolate \(name) by")
    #expect(none?.remedy.contains("for the \(role.rawValue)") == true)
    let nobody = #expect(throws: AdapterFailure.self) { try Account("no-such-user", for: role) }
    #expect(nobody?.message == "there is no user `no-such-user` to run the \(role.rawValue) as")
    var settings = ProcessSettings(command: [])
    settings.role = role
    let command = #expect(throws: AdapterFailure.self) { try settings.check() }
    #expect(command?.message == "no command is given for the \(role.rawValue)")
    guard geteuid() == 0 else { return }
    let spawner = try Spawner.shared()
    let own = #expect(throws: AdapterFailure.self) { try spawner.check(ProcessIsolation(), for: role) }
    #expect(own?.message == "\(name)'s process needs a user of its own, and none is given")
    #expect(own?.remedy.contains(user) == true)
  }
}
