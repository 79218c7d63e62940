import MedullaNF
import Testing

@testable import MedullaControl

@Suite("Chain files")
struct ChainFileTests {
  private static let whole = """
    name: images
    interface: eth0
    outputs: [eth1]
    mode: sleep
    timestamps: false
    memory: { frames: 32768, frame_size: 4096, huge_pages: require }
    functions:
      - name: wall
        kind: firewall
        user: nobody
        next: model
        options: { deny: [10.0.0.0/8], deny_ports: [53] }
      - name: model
        command: [./model, --fast]
        user: nobody
        reads: [weights]
        quota: 2000
        fallback: kernel
        receive: host
        next: eth1
        branches: [release, eth0]
      - { name: other, attaches: true, writable: true }
    rules:
      - { function: wall, protocol: udp, source: 192.168.0.0/16, destination_port: 9000-9010, vlan: none }
      - { function: other, ethertype: arp, vlan: 7 }
      - { function: kernel, protocol: tcp }
      - { function: model, destination: "2001:db8::/32", source_port: 5, class: web, classifier: cls }
      - { function: other, class: 2, classifier: cls }
    """

  @Test("every key is read")
  func read() throws {
    let file = try ChainFile(text: Self.whole, path: "/etc/chains/images.yaml")
    let settings = file.settings
    #expect(settings.name == "images" && settings.interface == "eth0" && settings.outputs == ["eth1"])
    #expect(settings.mode == .sleep && !settings.knowsTime)
    #expect(settings.memory.frames == 32_768 && settings.memory.frameBytes == 4_096)
    #expect(settings.memory.hugePages == .require)
    let (wall, model, other) = (settings.functions[0], settings.functions[1], settings.functions[2])
    #expect(wall.next == .function("model") && wall.ownsReceive && wall.user != nil)
    #expect(wall.parameters.contains("deny_ports"))
    #expect(model.quota == 2_000 && model.fallback == .kernel && !model.ownsReceive)
    #expect(model.next == .interface("eth1") && model.branches == [.release, .interface("eth0")])
    #expect(other.isWritable && !other.ownsReceive)
    #expect(file.launches["other"] == .attaches)
    guard case .command(let words, let isolation) = file.launches["model"] else {
      Issue.record("model has no command")
      return
    }
    #expect(words == ["/etc/chains/./model", "--fast"] && isolation.reads == ["/etc/chains/weights"])
    #expect(settings.rules.count == 5)
    #expect(settings.rules[0].destinationPorts == 9_000...9_010 && settings.rules[0].vlan == .some(.none))
    #expect(settings.rules[0].source?.description == "192.168.0.0/16" && settings.rules[0].ipProtocol == 17)
    #expect(settings.rules[1].etherType == 0x0806 && settings.rules[1].vlan == .tag(7))
    #expect(settings.rules[2].function == nil)
    #expect(settings.rules[3].destination?.description == "2001:db8::/32")
    #expect(settings.rules[3].flowClass == FlowClass("web", of: "cls"))
    #expect(settings.rules[4].flowClass == FlowClass("2", of: "cls") && settings.rules[2].flowClass == nil)
  }

  @Test("devices of DPDK are the chain's, and its functions are served by the host")
  func dpdk() throws {
    let text = """
      name: replay
      interface: wire
      engine: dpdk
      outputs: [out]
      dpdk:
        waits: true
        eal: [--in-memory]
        devices:
          - { device: "net_pcap0,rx_pcap=in.pcap" }
          - { interface: out, device: net_ring0 }
      functions: [{ name: wall, kind: firewall, user: nobody, next: out }]
      rules: [{ function: wall }]
      """
    let settings = try ChainFile(text: text, path: "/etc/chains/replay.yaml").settings
    guard case .dpdk(let dpdk) = settings.engine else {
      Issue.record("it is not over DPDK")
      return
    }
    #expect(
      dpdk.devices == [
        DPDKSettings.Device("wire", "net_pcap0,rx_pcap=in.pcap"), DPDKSettings.Device("out", "net_ring0"),
      ])
    #expect(dpdk.arguments == ["--in-memory"] && dpdk.awaitsFunctions)
    #expect(!settings.functions[0].ownsReceive)
    let own = text.replacing("kind: firewall", with: "kind: firewall, receive: own")
    let error = #expect(throws: ControlError.self) {
      try ChainFile(text: own, path: "/etc/chains/replay.yaml")
    }
    #expect(error?.message.contains("has no ring of its own") == true)
  }

  @Test(
    "what is wrong is told with its place, all of it",
    arguments: [
      ("mode: fast", "mode: the string \"fast\""),
      ("engine: odp", "engine: the string \"odp\""),
      ("dpdk: { waits: true }", "dpdk: needs engine: dpdk"),
      ("engine: dpdk\ndpdk: { devices: [{ interface: a }] }", "needs the key device"),
      ("memory: { frame_size: 3000 }", "frame_size: takes 2048 or 4096"),
      ("functions: [{ name: a, kind: nonsense }]", "there is no function \"nonsense\""),
      (
        "functions: [{ name: a, kind: count, command: [x] }]",
        "needs one of the keys kind, command and attaches"
      ),
      ("functions: [{ name: a, kind: count, user: nobody-of-that-name }]", "there is no user"),
      ("rules: [{ function: a, source: 10.0.0.0/40 }]", "is no address or prefix"),
      ("rules: [{ function: a, destination_port: 9-1 }]", "is no range of ports"),
      ("rules: [{ function: a, protocol: ftp }]", "protocol"),
      ("rules: [{ function: a, speed: 3 }]", "is unknown"),
      ("rules: [{ function: a, class: web }]", "needs both keys class and classifier"),
      ("rules: [{ function: a, classifier: cls }]", "needs both keys class and classifier"),
      (
        "rules: [{ function: a, class: 1, classifier: one }, { function: a, class: 1, classifier: two }]",
        "several classifiers, and one can be asked: one, two"
      ),
      ("nonsense: 1", "is unknown"),
    ])
  func refused(_ line: String, _ problem: String) {
    let key = line.prefix { $0 != ":" }
    var text = "name: a\ninterface: eth0\n"
    if key != "functions" { text += "functions: [{ name: a, kind: count }]\n" }
    if key != "rules" { text += "rules: [{ function: a }]\n" }
    let (_, problems) = ChainFile.read(text + line + "\n", path: "/c.yaml")
    #expect(problems.contains { "\($0)".contains(problem) }, "\(problems)")
  }

  @Test("a chain that cannot be is refused with what its settings say")
  func impossible() {
    let text = """
      name: a
      interface: eth0
      functions:
        - { name: one, kind: count, next: two }
        - { name: two, kind: count, next: one }
      rules: [{ function: one }]
      """
    let (_, problems) = ChainFile.read(text, path: "/c.yaml")
    #expect(problems.contains { $0.message.contains("round in a circle by one, two") }, "\(problems)")
  }

  @Test("the daemon's table is read, and lets a configuration be without functions")
  func table() throws {
    let configuration = try Configuration(
      text: "network_functions: { chains: [a.yaml], users: [nobody], directory: /run/x }", directory: "/etc")
    let settings = try #require(configuration.networkFunctions)
    #expect(
      settings.chains == ["/etc/a.yaml"] && settings.users == ["nobody"] && settings.directory == "/run/x")
    #expect(Privileges.kept(by: configuration).map(\.name).suffix(2) == ["CAP_NET_RAW", "CAP_IPC_LOCK"])
    #expect(try Configuration(text: "network_functions: {}").networkFunctions != nil)
  }
}
