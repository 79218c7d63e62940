import Foundation
import MedullaAdaptation
import MedullaFrames
import Testing

@testable import MedullaControl

@Suite("Agents of nDPI in the configuration")
struct NDPIConfigurationTests {
  private static func read(_ agent: String, function: String = "") throws -> FunctionSettings {
    let text = """
      function:
        - { name: a, bundle: /b, \(function) adapter: { kind: labels, agents: [{ kind: ndpi, \(agent) }] } }
      """
    return try #require(try Configuration(text: text, directory: "/etc/medulla").functions.first)
  }

  private static func ndpi(_ agent: String, function: String = "") throws -> LabelSettings.Agent.NDPI {
    guard case .ndpi(let settings)? = try read(agent, function: function).adapter.agents.first?.source else {
      throw ControlError(.badConfiguration, "no agent of nDPI")
    }
    return settings
  }

  @Test("its keys arrive, with those of a process; the map's path counts from the configuration")
  func keys() throws {
    let plain = try Self.ndpi("interface: eth0, map: apps.json")
    #expect(plain == .init(interface: "eth0", map: "/etc/medulla/apps.json"))
    #expect(plain.patience == .seconds(1) && !plain.guessesByPort && plain.isolation == ProcessIsolation())
    let text = """
      interface: eth0.5, map: /m.json, patience: 500ms, guess_by_port: true, deadline: 3s, user: nobody,
      memory: 512MiB, tasks: 8, reads: [more], name: payloads
      """
    let set = try Self.ndpi(text)
    let isolation = ProcessIsolation(
      user: "nobody", reads: ["/etc/medulla/more"], memory: 512 << 20, tasks: 8)
    #expect(
      set
        == .init(
          interface: "eth0.5", map: "/m.json", patience: .milliseconds(500), guessesByPort: true,
          deadline: .seconds(3), isolation: isolation))
    let function = try Self.read(text)
    #expect(
      function.adapter.agents.first?.name == "payloads" && function.adapter.agents.first?.kind == "ndpi")
    #expect(function.adapter.isolations == [isolation] && function.adapter.readsPackets)
  }

  @Test("without an interface it is the one at which the function is")
  func hook() throws {
    let classifier = "kind: classifier, hook: \"tc:wan0:both\", "
    #expect(try Self.ndpi("map: m", function: classifier).interface == "wan0")
    #expect(try Self.ndpi("map: m, interface: lan0", function: classifier).interface == "lan0")
  }

  @Test(
    "what is missing, out of range or another kind's is named",
    arguments: [
      ("map: m", "interface"), ("interface: eth0", "map"), ("interface: \"a b\", map: m", "interface"),
      ("interface: a-name-that-is-too-long, map: m", "interface"),
      ("interface: eth0, map: m, patience: 2h", "patience"),
      ("interface: eth0, map: m, guess_by_port: 1", "guess_by_port"),
      ("interface: eth0, map: m, argv: [x]", "argv"), ("interface: eth0, map: m, memory: 1MiB", "memory"),
    ])
  func refusals(agent: String, key: String) {
    let error = #expect(throws: ControlError.self) { try Self.read(agent) }
    #expect(error?.message.contains(key) == true, "\(error as Any)")
  }

  @Test("the right to open packet sockets is kept only where such an agent is configured")
  func rights() throws {
    let with = try Self.read("interface: eth0, map: m")
    #expect(Privileges.kept(by: Configuration()).map(\.name) == Privileges.kept.map(\.name))
    #expect(
      Privileges.kept(by: Configuration(functions: [with])).map(\.name) == Privileges.kept.map(\.name) + [
        "CAP_NET_RAW"
      ])
    #expect(Privileges.bits(Privileges.kept(by: Configuration(functions: [with]))) & 1 << 13 != 0)
    #expect((Privileges.bits(Privileges.kept) | Privileges.ofRoot) & 1 << 13 == 0)
  }

  @Test("its process is our own program, which is handed packets, may read the map and is never given up")
  func process() throws {
    var settings = try Self.ndpi("interface: eth0, map: m, patience: 1s, guess_by_port: true, user: nobody")
    settings.isolation.reads = ["/x"]
    let process = try ProcessSettings.ndpi(settings)
    #expect(process.command.first?.hasSuffix("/medulla") == true && process.command[1] == "labels")
    #expect(
      process.packets == PacketSupply(of: "eth0")
        && Array(process.isolation.reads.prefix(2)) == ["/x", "/etc/medulla/m"])
    #expect(process.isolation.user == "nobody" && process.restart.limit == .max)
    let options: [String: FrameValue] = [
      "map": "/etc/medulla/m", "interface": "eth0", "patience": 1, "guess_by_port": true,
    ]
    #expect(process.options == options)
  }
}
