import Foundation
import Testing

/// An ONNX model on packets by the daemon: what docs/use/network-functions.md tells a user to do.
@Suite("Network functions of a daemon", .serialized)
struct NetworkFunctionDaemonTests {
  private static let python = MedullaCommandLine.root.path + "/.venv/bin/python"

  private struct Chains: Decodable {
    struct Chain: Decodable {
      struct Function: Decodable {
        let name: String
        let state: String
        let received: Int
        let forged: Int
        let counters: [String: Int]
      }

      let name: String
      let functions: [Function]
    }

    let chains: [Chain]
  }

  private struct Answer: Decodable {
    struct Output: Decodable {
      let index: Int
      let value: Double
    }

    let object: UInt64
    let top: [Output]
    let error: String?
  }

  /// A namespace with one wire: frames that are sent at `nf-a` come in at `nf-b`.
  private struct Case {
    let namespace: TestNamespace
    let folder: TestFolder
    var path: String { folder.path }

    init() throws {
      namespace = try TestNamespace(loopback: true)
      folder = try TestFolder()
      chmod(folder.path, 0o755)
      let address =
        "$(ip -j link show nf-b | python3 -c 'import json,sys; print(json.load(sys.stdin)[0][\"address\"])')"
      for line in [
        "ip link add nf-a type veth peer name nf-b", "sysctl -qw net.ipv6.conf.nf-b.disable_ipv6=1",
        "ip addr add 10.9.0.1/24 dev nf-a", "ip link set nf-a up", "ip link set nf-b up",
        "ip neigh replace 10.9.0.2 lladdr \(address) dev nf-a",
      ] { try run(line) }
    }

    @discardableResult
    func run(_ line: String) throws -> String {
      let outcome = try namespace.shell(line)
      try #require(outcome.status == 0, "\(line)\n\(outcome.output)\(outcome.errors)")
      return outcome.output
    }

    func write(_ text: String, to name: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
      chmod("\(path)/\(name)", 0o644)
    }

    /// The daemon, in the background; stopped by `stop`.
    func start() throws {
      try write(
        """
        daemon: { state: state, socket: c.sock }
        network_functions: { users: [nobody], directory: nf }
        """, to: "daemon.yaml")
      try run(
        "export MEDULLA_PYTHON=\(NetworkFunctionDaemonTests.python); "
          + "bin/medulla run \(path)/daemon.yaml >\(path)/log 2>&1 &")
      try #require(waits { FileManager.default.fileExists(atPath: path + "/c.sock") }, "\(log)")
    }

    func stop() { _ = try? namespace.shell("bin/medulla stop --detach --socket \(path)/c.sock") }

    var log: String { (try? String(contentsOfFile: path + "/log", encoding: .utf8)) ?? "" }

    func chains() throws -> [Chains.Chain] {
      let text = try run("bin/medulla nf stats --json --socket \(path)/c.sock")
      return try JSONDecoder().decode(Chains.self, from: Data(text.utf8)).chains
    }

    func waits(_ condition: () throws -> Bool) rethrows -> Bool {
      for _ in 0..<100 {
        if try condition() { return true }
        usleep(50_000)
      }
      return false
    }
  }

  @Test(
    "a model answers objects that are sent over UDP, from an isolated process of another user (kernel)",
    .enabled(
      if: TestHost.runsKernelTests && FileManager.default.fileExists(atPath: python),
      "needs root and .venv (make setup)"))
  func inference() throws {
    let one = try Case()
    defer { one.stop() }
    let root = MedullaCommandLine.root.path
    try FileManager.default.copyItem(
      atPath: root + "/models/aurora-medulla.onnx", toPath: one.path + "/model.onnx")
    chmod(one.path + "/model.onnx", 0o644)
    try one.write(
      """
      name: models
      interface: nf-b
      functions:
        - name: model
          kind: inference
          user: nobody
          reads: [\(root)/.venv, model.onnx]
          writable: true
          branches: [nf-b]
          options: { model: \(one.path)/model.onnx, answers: network, threads: 1 }
      rules:
        - { function: model, protocol: udp, destination_port: 9000 }
      """, to: "chain.yaml")
    try one.start()
    try one.run("bin/medulla nf start \(one.path)/chain.yaml --socket \(one.path)/c.sock")
    #expect(try one.waits { try one.chains().first?.functions.first?.state == "present" }, "\(one.log)")
    #expect(try one.run("bin/medulla nf list --socket \(one.path)/c.sock").contains("present"))
    #expect(one.log.contains("process"))

    let features = (0..<30).map { Float($0 % 3 == 1 ? 1 : 0) }
    try features.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: one.path + "/features.bin"))
    let sent =
      "bin/medulla nf send --to 10.9.0.2:9000 --kind bytes --piece 64 --first 7 --wait 10 "
      + "\(one.path)/features.bin"
    let answer = try JSONDecoder().decode(Answer.self, from: Data(try one.run(sent).utf8))
    #expect(answer.object == 7 && answer.error == nil, "\(one.log)")
    let expected = try one.run(
      "\(Self.python) -c 'import numpy as n, onnxruntime as o; "
        + "s=o.InferenceSession(\"\(one.path)/model.onnx\"); "
        + "x=n.fromfile(\"\(one.path)/features.bin\", n.float32); "
        + "print(float(s.run(None, {s.get_inputs()[0].name: x.reshape(1, 30)})[0].ravel()[0]))'")
    let value = try #require(Double(expected.trimmingCharacters(in: .whitespacesAndNewlines)))
    let first = try #require(answer.top.first)
    #expect(abs(first.value - value) < 1e-4, "\(first.value) and \(value)")

    let function = try #require(try one.chains().first?.functions.first)
    #expect(function.forged == 0 && function.counters["objects_answered"] == 1, "\(function)")
    #expect(try one.run("bin/medulla nf stop models --socket \(one.path)/c.sock 2>&1").contains("has ended"))
    #expect(try one.chains().isEmpty)
    #expect(!FileManager.default.fileExists(atPath: one.path + "/nf/models.sock"))
  }

  @Test(
    "a function whose process is killed is started again, and its chain goes on (kernel)",
    .enabled(if: TestHost.runsKernelTests, "needs root"))
  func killed() throws {
    let one = try Case()
    defer { one.stop() }
    try one.write(
      """
      name: counted
      interface: nf-b
      functions:
        - { name: wall, kind: firewall, user: nobody, next: count, options: { deny_ports: [9001] } }
        - { name: count, kind: count, user: nobody }
      rules:
        - { function: wall, protocol: udp }
      """, to: "chain.yaml")
    try one.start()
    try one.run("bin/medulla nf start \(one.path)/chain.yaml --socket \(one.path)/c.sock")
    func counted() throws -> Int? {
      try one.chains().first?.functions.first { $0.name == "count" }?.counters["frames"]
    }
    func arePresent() throws -> Bool {
      try one.chains().first?.functions.allSatisfy { $0.state == "present" } ?? false
    }
    #expect(try one.waits(arePresent), "\(one.log)")
    for port in [9_000, 9_001] {
      try one.run("bash -c 'for i in 1 2 3; do echo x >/dev/udp/10.9.0.2/\(port); done'")
    }
    #expect(try one.waits { try counted() == 3 }, "\(one.log)")
    let list = try one.run("bin/medulla nf list --json --socket \(one.path)/c.sock")
    let object = try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [String: [[String: Any]]]
    let functions = object?["chains"]?.first?["functions"] as? [[String: Any]]
    let process = try #require(functions?.first { $0["name"] as? String == "count" }?["process"] as? Int)
    kill(pid_t(process), SIGKILL)
    #expect(one.waits { one.log.contains("it was ended by signal 9") }, "\(one.log)")
    #expect(try one.waits(arePresent), "\(one.log)")
    try one.run("bash -c 'for i in 1 2; do echo x >/dev/udp/10.9.0.2/9000; done'")
    // A new process counts from the beginning.
    #expect(try one.waits { try counted() == 2 }, "\(one.log)")
  }

  @Test(
    "a daemon without the table refuses chains, and says what to add (kernel)",
    .enabled(if: TestHost.runsKernelTests, "needs root"))
  func refused() throws {
    let one = try Case()
    try one.write("name: a\ninterface: nf-b\n", to: "bad.yaml")
    let bad = try one.namespace.shell("bin/medulla nf start \(one.path)/bad.yaml --socket \(one.path)/c.sock")
    #expect(bad.status != 0 && bad.errors.contains("it has no function"), "\(bad.errors)")
    let absent = try one.namespace.shell("bin/medulla nf list --socket \(one.path)/c.sock")
    #expect(absent.status != 0 && absent.errors.contains("no daemon runs"), "\(absent.errors)")
  }
}
