import Foundation
import Logging
import MedullaFrames
import MedullaLearning
import MedullaModel
import Testing

@testable import MedullaAdaptation

@Suite("Restarts of an adapter's process", .enabled(if: ProcessPeer.isPresent, "needs python3"))
struct ProcessRestartTests {
  /// Asks until it is neither backing off nor starting.
  static func insist<Answer>(_ body: () throws -> Answer) throws -> Answer {
    let limit = ContinuousClock.now + .seconds(20)
    while true {
      do {
        return try body()
      } catch let failure as AdapterFailure
        where [.backingOff, .starting].contains(failure.code) && ContinuousClock.now < limit
      {
        usleep(5_000)
      }
    }
  }

  @Test("after a crash it goes on with the network that it gave last")
  func resumes() throws {
    let adapter = try ProcessPeer.adapter(
      """
      def hook(request, tensors):
          global weights
          if request["request"] == "hello": print("begins with", tensors["layer0.weight"], flush=True)
          if request["request"] == "adapt":
              weights = [(n, s, tuple(x + 1 for x in v)) for n, s, v in weights]
          if request["request"] == "evaluate": os._exit(1)
      """)
    defer { adapter.close() }
    _ = try adapter.adapt(Batch())
    let given = try adapter.freeze()
    #expect(try given != ProcessPeer.network())
    #expect(ProcessPeer.failure { _ = try adapter.evaluate([[1, 2]]) }?.code == .ended)
    #expect(try Self.insist { try adapter.freeze() } == given)
    #expect(adapter.starts == 2)
  }

  @Test("a process that always fails is given up after its limit, and says why")
  func givesUp() throws {
    let adapter = try ProcessPeer.adapter("def hook(request, tensors): raise ValueError('hopeless')")
    defer { adapter.close() }
    for _ in 0..<4 {
      let failure = ProcessPeer.failure { _ = try Self.insist { try adapter.freeze() } }
      #expect(failure?.code == .ended && failure?.details.contains("hopeless") == true)
    }
    let last = ProcessPeer.failure { _ = try adapter.freeze() }
    #expect(last?.code == .givenUp && last?.details.contains("hopeless") == true)
    #expect(adapter.starts == 4)
  }

  @Test("refusing costs the caller no time")
  func refusesAtOnce() throws {
    let adapter = try ProcessPeer.adapter("def hook(request, tensors): os._exit(1)") {
      $0.restart.first = .seconds(30)
      $0.restart.longest = .seconds(30)
    }
    defer { adapter.close() }
    _ = ProcessPeer.failure { _ = try adapter.freeze() }
    let start = ContinuousClock.now
    for _ in 0..<1000 {
      #expect(ProcessPeer.failure { _ = try adapter.freeze() }?.code == .backingOff)
    }
    #expect(ContinuousClock.now - start < .seconds(2))
  }

  @Test("a slow start is waited for in pieces")
  func slowStart() throws {
    let adapter = try ProcessPeer.adapter(
      "def hook(request, tensors):\n    if request['request'] == 'hello': time.sleep(0.5)"
    ) {
      $0.startPatience = .milliseconds(100)
    }
    defer { adapter.close() }
    #expect(ProcessPeer.failure { _ = try adapter.freeze() }?.code == .starting)
    #expect(try Self.insist { try adapter.freeze() } == ProcessPeer.network())
    #expect(adapter.starts == 1 && adapter.failures == 0)
  }

  @Test("a start that never ends is ended")
  func endlessStart() throws {
    let adapter = try ProcessPeer.adapter("def hook(request, tensors): time.sleep(1000)") {
      $0.startPatience = .milliseconds(50)
      $0.startDeadline = .milliseconds(300)
    }
    defer { adapter.close() }
    var codes: [AdapterFailure.Code] = []
    while codes.last != .timedOut, codes.count < 100 {
      codes.append(try #require(ProcessPeer.failure { _ = try adapter.freeze() }).code)
    }
    #expect(codes.last == .timedOut && codes.first == .starting && adapter.failures == 1)
  }

  @Test("what it has started ends with it")
  func group() throws {
    // The only place that it can write to.
    let file = try Spawner.shared().policy.states + "/medulla/group-\(getpid()).txt"
    defer { unlink(file) }
    let adapter = try ProcessPeer.adapter(
      """
      import subprocess
      def hook(request, tensors):
          if request["request"] != "adapt": return
          child = subprocess.Popen(["sleep", "1000"])
          open("\(file)", "w").write(str(child.pid))
          os._exit(1)
      """)
    defer { adapter.close() }
    #expect(ProcessPeer.failure { _ = try adapter.adapt(Batch()) }?.code == .ended)
    let child = try #require(Int32(try String(contentsOfFile: file, encoding: .utf8)))
    // Somebody has to reap it: init, a moment later.
    let limit = ContinuousClock.now + .seconds(5)
    while isAlive(child), ContinuousClock.now < limit { usleep(5_000) }
    #expect(!isAlive(child))
  }

  /// Not a zombie either, which a container without an init keeps.
  private func isAlive(_ process: Int32) -> Bool {
    let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    return !status.isEmpty && !status.contains("State:\tZ")
  }

  @Test("a program that does not exist is named")
  func missing() throws {
    let settings = ProcessSettings(
      command: ["medulla-no-such-program"], isolation: ProcessIsolation(user: ProcessPeer.user))
    let adapter = try ProcessAdapter(settings, network: ProcessPeer.network(), log: ProcessPeer.quiet)
    let failure = ProcessPeer.failure { _ = try adapter.freeze() }
    #expect(failure?.code == .cannotStart && failure?.message.contains("medulla-no-such-program") == true)
  }

  @Test("close lets it end by itself, kills what does not, and nothing is called after it")
  func close() throws {
    for hooks in ["", "def hook(request, tensors):\n    if request['request'] == 'close': time.sleep(1000)"] {
      let adapter = try ProcessPeer.adapter(hooks)
      _ = try adapter.freeze()
      let process = try #require(adapter.processIdentifier)
      adapter.close()
      #expect(kill(process, 0) != 0)
      #expect(ProcessPeer.failure { _ = try adapter.freeze() }?.code == .closed)
      adapter.close()
    }
  }

  @Test("its rights: no capabilities, nothing to gain, no descriptor but its own; another user when asked")
  func rights() throws {
    let hooks = """
      def hook(request, tensors):
          status = open("/proc/self/status").read()
          assert "CapEff:\\t0000000000000000" in status and "NoNewPrivs:\\t1" in status, status
          assert sorted(int(n) for n in os.listdir("/proc/self/fd"))[:4] == [0, 1, 2, 3]
          assert all(int(n) < 5 for n in os.listdir("/proc/self/fd")), os.listdir("/proc/self/fd")
          assert os.getpgid(0) == os.getpid()
          assert "user" not in request.get("options", {}) or os.getuid() == request["options"]["user"]
      """
    let adapter = try ProcessPeer.adapter(hooks)
    defer { adapter.close() }
    #expect(try adapter.freeze() == ProcessPeer.network())
    guard getuid() == 0 else { return }
    let nobody = try #require(getpwnam("nobody")).pointee.pw_uid
    let other = try ProcessPeer.adapter(hooks) {
      $0.isolation.user = "nobody"
      $0.options = ["user": FrameValue(Int(nobody))]
    }
    defer { other.close() }
    #expect(try other.freeze() == ProcessPeer.network())
    let unknown = ProcessPeer.failure {
      _ = try ProcessPeer.adapter { $0.isolation.user = "medulla-nobody-\(getpid())" }
    }
    #expect(unknown?.code == .cannotStart)
  }

  @Test("what it prints goes to the log, line by line")
  func log() throws {
    let lines = LogLines()
    var log = Logger(label: "test") { _ in lines }
    log.logLevel = .debug
    let adapter = try ProcessPeer.adapter(
      """
      def hook(request, tensors):
          print("to output", request["request"], flush=True)
          print("to error", request["request"], file=sys.stderr, flush=True)
          send({"answer": "progress", "id": request["id"], "message": "half way", "figures": {"part": 0.5}})
      """, log: log)
    _ = try adapter.adapt(Batch())
    adapter.close()
    for line in ["to output adapt", "to error adapt", "adapter: half way"] {
      #expect(lines.all.contains(line), "\(lines.all)")
    }
  }
}

/// Keeps what is logged.
private final class LogLines: LogHandler, @unchecked Sendable {
  private let lock = NSLock()
  private var lines: [String] = []
  var all: [String] { lock.withLock { lines } }
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.trace
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  func log(event: LogEvent) { lock.withLock { lines.append("\(event.message)") } }
}
