import Foundation
import Glibc
import MedullaAdaptation
import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import MedullaSnapshot
import Testing

@testable import MedullaControl

@Suite(
  "a daemon that learns, as a process", .serialized,
  .enabled(if: DaemonTestHost.isUsable, DaemonTestHost.reason))
struct LearningProcessTests {
  /// Gates that let everything through, four times a second.
  private static let open = """
    gates:
      update_interval: 250ms
      stability: { window: 2, range: 10.0 }
      necessity: { statistic: mean, alpha: 0.0 }
      accuracy: { max_error: 0.5 }
    """

  static func configure(
    _ folder: DaemonFolder, _ adapter: String, more: String, gates: String = open
  ) throws {
    try folder.configure(
      "",
      function: """
        adapter:
          kind: command
          argv: [/usr/bin/python3, "\(adapter)"]
          user: nobody
          deadline: 20s
        \(gates)
        \(more)
        """)
  }

  private func flow(_ folder: DaemonFolder) throws -> LoopbackFlow {
    try LoopbackFlow(congestion: Instance(folder.name).status().congestion)
  }

  private func isGone(_ process: pid_t) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
      return true
    }
    // A zombie has ended; who reaps it is another's affair.
    return text.split(separator: ")").last?.split(separator: " ").first == "Z"
  }

  @Test("an adapter that crashes again and again still has its networks promoted, and no flow notices")
  func crashes() throws {
    let folder = try DaemonFolder("x")
    let adapter = try StandInAdapter.write(
      to: folder.path, hook: "if kind == 'adapt' and count == 12: raise MemoryError('out of luck')")
    try Self.configure(folder, adapter, more: "watch: { window: 2s, loss: 1.0 }")
    _ = try folder.start()
    let flow = try flow(folder)
    defer { flow.end() }
    #expect(DaemonFolder.waits(60) { try folder.state().promotions >= 1 }, "\(folder.text)")
    #expect(DaemonFolder.waits(60) { try folder.state().failures >= 2 }, "\(folder.text)")
    #expect(folder.text.contains("Traceback") && folder.text.contains("out of luck"))
    let state = try folder.state()
    #expect(state.isRunning)
    let promotions = state.promotions
    #expect(DaemonFolder.waits(60) { try folder.state().promotions > promotions }, "\(folder.text)")
    let received = flow.received
    #expect(DaemonFolder.waits { flow.received > received + 100_000 })
    let why = try ControlClient(path: folder.socket).ask(ControlRequest(.why), as: WhyAnswer.self)
    #expect(why.functions.first?.function == folder.name)
    let history = try ControlClient(path: folder.socket).ask(
      ControlRequest(.history, function: folder.name, kind: "failure"), as: HistoryAnswer.self)
    #expect(history.records.contains { "\($0.record)".contains("out of luck") })
  }

  @Test(
    "an operator's update stays until `resume`, or is where learning goes on from", arguments: [false, true])
  func operatorsUpdate(reseeds: Bool) throws {
    let folder = try DaemonFolder(reseeds ? "v" : "p")
    let adapter = try StandInAdapter.write(to: folder.path)
    try Self.configure(
      folder, adapter, more: reseeds ? "on_update: reseed" : "",
      gates: "gates: { stability: { window: 10000, range: 1e-9 } }")
    _ = try folder.start()
    #expect(DaemonFolder.waits { try folder.state().activeVersion == 1 })
    try folder.writeBundle(samples: 500)
    let bundle = try SnapshotBundle.open(folder.path + "/a.medulla")
    try Instance(folder.name).update(DatapathSnapshot(bundle))
    let client = try ControlClient(path: folder.socket)
    if reseeds {
      #expect(
        DaemonFolder.waits { folder.text.contains("learning goes on from snapshot 2") }, "\(folder.text)")
      #expect(DaemonFolder.waits { try folder.state().activeVersion == 2 })
      #expect(try folder.state().pinnedVersion == nil)
    } else {
      #expect(DaemonFolder.waits { try folder.state().pinnedVersion == 2 }, "\(folder.text)")
      let why = try client.ask(ControlRequest(.why), as: WhyAnswer.self).functions.first
      #expect(why?.answer.contains("put there by someone else") == true, "\(String(describing: why))")
      let outcome = try client.ask(ControlRequest(.resume), as: ControlOutcome.self)
      #expect(outcome.done.contains("snapshot 2 from outside may be replaced again"))
      #expect(try folder.state().pinnedVersion == nil)
    }
  }

  @Test("a promotion that is told to a paused function is refused with the reason")
  func pausedPromotion() throws {
    let folder = try DaemonFolder("j")
    try Self.configure(folder, StandInAdapter.write(to: folder.path), more: "")
    _ = try folder.start()
    let client = try ControlClient(path: folder.socket)
    let outcome = try client.ask(ControlRequest(.pause), as: ControlOutcome.self)
    #expect(outcome.done.hasPrefix("\(folder.name): paused"))
    let error = #expect(throws: ControlError.self) { try client.ask(ControlRequest(.promote)) }
    #expect(error?.message.contains("`medulla resume` comes first") == true)
    _ = try client.ask(ControlRequest(.resume))
    let end = try client.promote(function: folder.name)
    #expect(end.done.contains("became active"), "\(end) \(folder.text)")
  }

  @Test("when the daemon is killed its adapter ends too, even one that hears nothing")
  func orphan() throws {
    let folder = try DaemonFolder("g")
    let adapter = try StandInAdapter.write(
      to: folder.path, hook: "while kind == 'adapt' and count == 2: pass")
    try Self.configure(folder, adapter, more: "")
    let daemon = try folder.start()
    let flow = try flow(folder)
    defer { flow.end() }
    #expect(DaemonFolder.waits { try folder.state().rounds >= 1 }, "\(folder.text)")
    let process = try #require(StandInAdapter.process(of: folder.name, in: folder.path))
    #expect(!isGone(process))
    folder.crash(daemon)
    let isEnded = DaemonFolder.waits { isGone(process) }
    #expect(isEnded)
    if !isEnded { kill(process, SIGKILL) }
    let received = flow.received
    #expect(DaemonFolder.waits { flow.received > received + 100_000 })
  }

  @Test("a daemon that was killed during a shadow leaves it on; the next one switches it off")
  func takeoverInShadow() throws {
    let folder = try DaemonFolder("h")
    let adapter = try StandInAdapter.write(to: folder.path)
    let shadow = "shadow: { every: 1, decisions: 1000000, limit: 1h, max_difference: 10.0 }"
    try Self.configure(folder, adapter, more: shadow + "\nwatch: { window: 2s }")
    let first = try folder.start()
    let flow = try flow(folder)
    defer { flow.end() }
    #expect(DaemonFolder.waits(60) { try folder.state().phase == .shadowing }, "\(folder.text)")
    folder.crash(first)
    var status = try Instance(folder.name).status()
    #expect(status.staged != nil && status.shadow?.every == 1)
    // The next one learns, but has no candidate of its own for a long time.
    try Self.configure(
      folder, adapter, more: shadow, gates: "gates: { stability: { window: 10000, range: 1e-9 } }")
    _ = try folder.start()
    #expect(
      DaemonFolder.waits {
        status = try Instance(folder.name).status()
        return status.staged == nil && (status.shadow?.every ?? 0) == 0
      })
    #expect(status.slots.contains { $0.state == .active && $0.version == 1 })
    #expect(DaemonFolder.waits { try folder.state().rounds > 0 })
    #expect(try folder.state().phase == .learning)
  }

  @Test("a snapshot that was on trial when the daemon was killed is on trial under the next one")
  func takeoverInWatch() throws {
    let folder = try DaemonFolder("w")
    let adapter = try StandInAdapter.write(to: folder.path)
    try Self.configure(folder, adapter, more: "watch: { window: 20s, loss: 1.0 }")
    let first = try folder.start()
    let flow = try flow(folder)
    defer { flow.end() }
    #expect(DaemonFolder.waits(60) { try folder.state().phase == .watching }, "\(folder.text)")
    let version = try #require(try folder.state().activeVersion)
    #expect(version > 1)
    folder.crash(first)
    _ = try folder.start()
    #expect(DaemonFolder.waits { try folder.state().ticks > 0 })
    let state = try folder.state()
    #expect(state.phase == .watching)
    #expect(state.candidateVersion == version && state.activeVersion == version)
    #expect(try #require(state.waitSeconds) > 0)
  }
}
