import Foundation
import Testing

/// An agent of nDPI in a daemon, from the configuration to what commands tell of it.
@Suite("nDPI for the classifier of a daemon", .serialized)
struct NDPIDaemonTests {
  private static let isThere = dlopen("libndpi.so.4.2", RTLD_LAZY) != nil
  private static let example = "examples/classifier"

  private struct Row: Decodable {
    struct Agent: Decodable {
      struct State: Decodable {
        struct Counts: Decodable {
          let asked: Int
          let labels: Int
        }

        let counts: Counts
      }

      let name: String
      let kind: String
      let state: State
    }

    let function: String
    let agents: [Agent]
  }

  private struct Status: Decodable {
    struct Function: Decodable { let isolation: String? }

    let capabilities: [String]
    let functions: [Function]
  }

  private static func configuration(_ folder: String, _ name: String, map: String) -> String {
    """
    daemon: { state: \(folder)/state, socket: \(folder)/c.sock, user: daemon }
    function:
      - name: \(name)
        kind: classifier
        bundle: \(folder)/c.medulla
        hook: "tc:ndpi1:ingress"
        packets: "12"
        adapter:
          kind: labels
          agents:
            - { kind: ndpi, map: \(map), user: nobody }
    """
  }

  private static func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, 0o644)
  }

  @Test(
    "it labels flows of the function's interface, and the daemon tells of it (kernel)",
    .enabled(if: TestHost.runsKernelTests && isThere, "needs root and nDPI 4.2"))
  func labels() throws {
    let (namespace, folder) = (try TestNamespace(loopback: false), try TestFolder())
    let (path, name) = (folder.path, "nd-\(getpid() % 100_000_000)")
    defer {
      _ = try? namespace.shell("bin/medulla stop --detach --socket \(path)/c.sock")
      // What the daemon gave to its user, root has again.
      for place in ["/sys/fs/bpf/medulla", "/run/medulla.lock", "/run/medulla"] { lchown(place, 0, 0) }
    }
    func run(_ line: String) throws -> String {
      let outcome = try namespace.shell(line)
      try #require(outcome.status == 0, "\(line)\n\(outcome.output)\(outcome.errors)")
      return outcome.output
    }
    _ = try run(
      "bin/medulla compile \(Self.example)/classifier.safetensors "
        + "--calibration \(Self.example)/calibration.npy --features \(Self.example)/features.txt "
        + "--labels \(Self.example)/labels.txt -o \(path)/c.medulla"
    )
    try Self.write("{\"category:Web\": \"web\", \"category:Network\": \"speech\"}", to: path + "/bad.json")
    try Self.write("{\"category:Web\": \"web\", \"category:Network\": \"voice\"}", to: path + "/map.json")
    try Self.write(Self.configuration(path, name, map: "bad.json"), to: path + "/m.yaml")
    let check = try namespace.shell("bin/medullad --check \(path)/m.yaml")
    #expect(check.status != 0 && check.errors.contains("speech") && check.errors.contains("agent ndpi"))
    try Self.write(Self.configuration(path, name, map: "map.json"), to: path + "/m.yaml")
    _ = try run("bin/medullad --check \(path)/m.yaml")
    _ = try run("ip link add ndpi0 type veth peer name ndpi1; ip link set ndpi0 up; ip link set ndpi1 up")
    _ = try run("bin/medullad \(path)/m.yaml > \(path)/log 2>&1 &")
    var rows: [Row] = []
    for seed in 1...20 where rows.first?.agents.first.map({ $0.state.counts.labels < 60 }) ?? true {
      sleep(2)
      _ = try? run("tcpreplay-edit --seed=\(seed) -t -i ndpi0 \(Self.example)/traffic.pcap")
      let list = try namespace.shell("bin/medulla labels list --json --socket \(path)/c.sock")
      rows = (try? JSONDecoder().decode([Row].self, from: Data(list.output.utf8))) ?? []
    }
    let log = (try? String(contentsOfFile: path + "/log", encoding: .utf8)) ?? ""
    let agent = try #require(rows.first?.agents.first, "\(log.suffix(3_000))")
    #expect(rows.map(\.function) == [name] && agent.name == "ndpi" && agent.kind == "ndpi")
    #expect(agent.state.counts.asked > 60 && agent.state.counts.labels >= 60, "\(log.suffix(3_000))")
    let status = try JSONDecoder().decode(
      Status.self, from: Data(try run("bin/medulla top --once --json --socket \(path)/c.sock").utf8))
    #expect(Set(status.capabilities) == ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_PERFMON", "CAP_BPF"])
    #expect(status.functions.first?.isolation?.contains("ndpi: user nobody, Landlock") == true)
    #expect(try run("bin/medulla labels list --socket \(path)/c.sock").contains("ndpi"))
  }
}
