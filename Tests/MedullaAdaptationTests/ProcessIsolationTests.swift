import Foundation
import Glibc
import Testing

@testable import MedullaAdaptation

@Suite("Isolation of an adapter's process")
struct ProcessIsolationTests {
  static let kernels: [(kernel: KernelIsolation, sharesUser: Bool, word: String?)] = [
    (KernelIsolation(landlock: 7, hasSeccomp: true), false, nil),
    (KernelIsolation(landlock: 7, hasSeccomp: true), true, nil),
    (KernelIsolation(landlock: 1, hasSeccomp: true), false, nil),
    (KernelIsolation(landlock: 2, hasSeccomp: true), true, "Linux 6.2"),
    (KernelIsolation(landlock: 0, hasSeccomp: true), false, "no Landlock"),
    (KernelIsolation(landlock: 3, hasSeccomp: false), false, "no seccomp"),
    (KernelIsolation(landlock: 0, hasSeccomp: false), true, "no Landlock and no seccomp"),
  ]

  @Test("a kernel without Landlock or seccomp is refused, not gone without", arguments: kernels)
  func kernel(kernel: KernelIsolation, sharesUser: Bool, word: String?) throws {
    let refusal = kernel.refusal(sharesUser: sharesUser)
    #expect((refusal == nil) == (word == nil))
    #expect(refusal?.code ?? .notIsolated == .notIsolated)
    #expect(word.map { "\(String(describing: refusal))".contains($0) } ?? true)
    guard geteuid() == 0, word != nil, !sharesUser else { return }
    let spawner = try Spawner.shared()
    #expect(throws: AdapterFailure.self) {
      try spawner.check(ProcessIsolation(user: "nobody"), kernel: kernel)
    }
    #expect(throws: Never.self) { try spawner.check(ProcessIsolation(level: .none), kernel: kernel) }
  }

  @Test("readable are an interpreter's prefix and a script's interpreters, not what lies beside them")
  func readable() throws {
    let base = NSTemporaryDirectory() + "medulla-readable-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: base) }
    for folder in ["venv/bin", "home/bin", "code"] {
      try FileManager.default.createDirectory(atPath: base + "/" + folder, withIntermediateDirectories: true)
    }
    func write(_ path: String, _ text: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: base + "/" + path))
      chmod(base + "/" + path, 0o755)
    }
    try write("venv/pyvenv.cfg", "home = /usr/bin\n")
    symlink("/usr/bin/python3", base + "/venv/bin/python3")
    try write("home/bin/learner", "#!\(base)/venv/bin/python3\n")
    try write("code/script", "#!/usr/bin/env perl\n")
    let environment = ["PATH": "/usr/bin:/bin"]
    let learner = ReadablePaths.code(of: base + "/home/bin/learner", environment: environment)
    #expect(learner.contains(base + "/home/bin") && learner.contains(base + "/venv"))
    #expect(!learner.contains(base + "/home") && !learner.contains(base))
    let script = ReadablePaths.code(of: base + "/code/script", environment: environment)
    #expect(Set(script).subtracting([base + "/code", "/usr", "/usr/bin"]).isEmpty)
  }

  @Test("the states of all adapters stay shut where they lie in a directory that may be read")
  func around() throws {
    let base =
      try #require(realpath(NSTemporaryDirectory(), nil).map { String(cString: $0) })
      + "/medulla-around-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: base) }
    for folder in ["code", "state/adapters", "state/other"] {
      try FileManager.default.createDirectory(atPath: base + "/" + folder, withIntermediateDirectories: true)
    }
    let open = ReadablePaths.around(base + "/state/adapters", in: base)
    #expect(open == [base + "/", base + "/code", base + "/state/", base + "/state/other"])
    #expect(ReadablePaths.around(base + "/state/adapters", in: base + "/code") == [base + "/code"])
    #expect(ReadablePaths.around(base + "/state/adapters", in: base + "/state/adapters").isEmpty)
  }

  @Test("what it starts cannot leave its group and ends with it; its state stays its own")
  func ends() throws {
    let hooks = """
      def hook(request, tensors):
          if request["request"] != "freeze": return
          child = os.fork()
          if child == 0:
              try: os.setsid()
              except OSError: pass
              while True: time.sleep(1)
          with open(os.environ["MEDULLA_ADAPTER_STATE"] + "/child", "w") as file: file.write(str(child))
          raise ValueError(f"child {child}")
      """
    let adapter = try ProcessPeer.adapter(hooks) { $0.function = "ends-\(getpid())" }
    let failure = try #require(ProcessPeer.failure { _ = try adapter.freeze() })
    let text = try #require(failure.details.firstMatch(of: /child ([0-9]+)/)).output.1
    let child = try #require(pid_t(text))
    for _ in 0..<200 where kill(child, 0) == 0 { usleep(10_000) }
    #expect(kill(child, 0) != 0)
    let state = try Spawner.shared().policy.states + "/ends-\(getpid())"
    #expect(try String(contentsOfFile: state + "/child", encoding: .utf8) == text)
    var facts = stat()
    #expect(lstat(state, &facts) == 0 && facts.st_mode & 0o777 == 0o700)
    #expect(facts.st_uid == getpwnam(ProcessPeer.user ?? "")?.pointee.pw_uid ?? geteuid())
    try FileManager.default.removeItem(atPath: state)
  }

  @Test("a link in the place of its state is refused", .enabled(if: geteuid() == 0, "needs root"))
  func linkedState() throws {
    let victim = NSTemporaryDirectory() + "medulla-victim-\(getpid())"
    try FileManager.default.createDirectory(atPath: victim, withIntermediateDirectories: true)
    let link = try Spawner.shared().policy.states + "/linked-\(getpid())"
    #expect(symlink(victim, link) == 0)
    defer { for path in [link, victim] { try? FileManager.default.removeItem(atPath: path) } }
    let adapter = try ProcessPeer.adapter { $0.function = "linked-\(getpid())" }
    let failure = ProcessPeer.failure { _ = try adapter.freeze() }
    #expect(failure?.code == .cannotStart)
    var facts = stat()
    #expect(lstat(victim, &facts) == 0 && facts.st_uid == 0)
  }
}
