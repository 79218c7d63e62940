import Testing

@testable import MedullaLabels

@Suite("Lists as an agent")
struct ListAgentTests {
  private let schema = LabelSchema(classes: ["good", "bad", "own"], features: [])

  private func request(
    _ source: String, _ destination: String, port: UInt16 = 443, transport: UInt8 = 6
  ) throws -> LabelRequest {
    LabelRequest(
      sample: 5,
      flow: FlowEndpoints(
        source: try #require(IPAddress(source)).bytes,
        destination: try #require(IPAddress(destination)).bytes,
        sourcePort: 53, destinationPort: port, transport: transport), features: [])
  }

  private func agent(
    _ texts: [String], in folder: String, _ sources: ListSources = ListSources()
  ) throws -> ListAgent {
    try ListAgent(
      texts.map { try ListText($0.replacing("@/", with: folder + "/")).open() }, schema: schema,
      sources: sources)
  }

  private func label(_ agent: ListAgent, _ request: LabelRequest) -> Int? {
    agent.label([request]).first?.label
  }

  @Test("a list is about the end that it says, with the class and the confidence that it stands for")
  func sides() throws {
    try LabelCase.withFolder { folder in
      try LabelCase.write("192.0.2.0/24\n", to: folder + "/a")
      for (side, expected) in [
        ("source:", [1, nil]), ("destination:", [nil, 1]), ("either:", [1, 1]), ("", [1, 1]),
      ] {
        let agent = try agent(["\(side)@/a=bad@0.7"], in: folder)
        let requests = [try request("192.0.2.1", "10.0.0.1"), try request("10.0.0.1", "192.0.2.1")]
        let labels = agent.label(requests)
        #expect(labels.map(\.label) == expected, "\(side)")
        #expect(labels.allSatisfy { $0.label == nil || $0.confidence == 0.7 })
      }
    }
  }

  @Test("the first list counts, but among prefixes and among domains the longest: exceptions may come later")
  func order() throws {
    try LabelCase.withFolder { folder in
      try LabelCase.write("192.0.0.0/16\n", to: folder + "/wide")
      try LabelCase.write("192.0.2.0/24\n", to: folder + "/narrow")
      try LabelCase.write("443/tcp\n", to: folder + "/ports")
      try LabelCase.write("example.org\n", to: folder + "/domains")
      try LabelCase.write("www.example.org\n", to: folder + "/own")
      let flow = try request("10.0.0.1", "192.0.2.9")
      #expect(try label(agent(["@/wide=bad", "@/narrow=good"], in: folder), flow) == 0)
      #expect(try label(agent(["@/narrow=good", "@/wide=bad"], in: folder), flow) == 0)
      #expect(try label(agent(["@/wide=bad", "@/ports=own", "@/narrow=good"], in: folder), flow) == 0)
      #expect(try label(agent(["@/ports=own", "@/narrow=good"], in: folder), flow) == 2)
      #expect(try label(agent(["@/wide=bad", "@/wide=good"], in: folder), flow) == 1)
      let sources = ListSources(domain: { _ in "www.example.org" })
      #expect(try label(agent(["@/domains=bad", "@/own=own"], in: folder, sources), flow) == 2)
      #expect(try label(agent(["@/own=own", "@/domains=bad"], in: folder, sources), flow) == 2)
    }
  }

  @Test("ports are of the flow's protocol, Ethernet addresses and devices of who knows them")
  func others() throws {
    try LabelCase.withFolder { folder in
      try LabelCase.write("53/udp\n", to: folder + "/ports")
      try LabelCase.write("52:54:00\n", to: folder + "/macs")
      try LabelCase.write("kitchen tv\n", to: folder + "/devices")
      let ports = try agent(["ports:source:@/ports=own"], in: folder)
      #expect(try label(ports, request("10.0.0.1", "10.0.0.2", transport: 17)) == 2)
      #expect(try label(ports, request("10.0.0.1", "10.0.0.2")) == nil)
      let mac = MACAddress("52:54:00:12:34:56")
      let macs = ListSources(addresses: { _ in FlowSides(source: mac, destination: nil) })
      #expect(try label(agent(["@/macs=own"], in: folder, macs), request("10.0.0.1", "10.0.0.2")) == 2)
      #expect(
        try label(agent(["destination:@/macs=own"], in: folder, macs), request("10.0.0.1", "10.0.0.2")) == nil
      )
      let text = "10.0.0.2 Kitchen TV\n52:54:00:12:34:56 laptop # mine\n"
      let names = try DeviceNames(text, named: "names")
      #expect(names.count == 2)
      let devices = ListSources(devices: names.source())
      #expect(
        try label(agent(["devices:@/devices=own"], in: folder, devices), request("10.0.0.1", "10.0.0.2")) == 2
      )
      let ends = try #require(try request("10.0.0.9", "10.0.0.2").flow)
      let both = names.source(addresses: macs.addresses)(ends)
      #expect(both.source == "laptop" && both.destination == "Kitchen TV")
      #expect(throws: ListError.self) { try DeviceNames("10.0.0.2\n", named: "names") }
      let error = try #require(throws: ListError.self) { try DeviceNames("#\ntv kitchen\n", named: "names") }
      #expect(error.message.contains("line 2"))
    }
  }

  @Test("a list that nothing here can be looked up for is refused when it is loaded")
  func noSource() throws {
    try LabelCase.withFolder { folder in
      try LabelCase.write("example.org\n", to: folder + "/domains")
      try LabelCase.write("52:54:00:12:34:56\n", to: folder + "/macs")
      try LabelCase.write("192.0.2.1\n", to: folder + "/a")
      let cases: [(String, ListErrorCode, String)] = [
        ("@/domains=bad", .noSource, "which domain"), ("@/macs=bad", .noSource, "addresses of Ethernet"),
        ("devices:@/domains=bad", .noSource, "names of devices"),
        ("@/a=worse", .badSetting, "good, bad, own"),
      ]
      for (text, code, words) in cases {
        let error = try #require(throws: ListError.self) { try agent([text], in: folder) }
        #expect(error.code == code && "\(error)".contains(words), "\(error)")
      }
      let known = ListSources(domain: { _ in nil })
      #expect(throws: ListError.self) { try agent(["source:@/domains=bad"], in: folder, known) }
      let rows = LabelSchema(classes: ["bad"], features: [], hasFlow: false)
      #expect(throws: ListError.self) { try ListAgent([ListText("\(folder)/a=bad").open()], schema: rows) }
    }
  }

  @Test("a command's text says kind, side, column, file, class and confidence")
  func texts() throws {
    let full = try ListText("addresses:destination:csv-dst ip:a:b=c=web/1 @ 0.5")
    #expect(full.kind == .addresses && full.side == .destination && full.format == .named("dst ip"))
    #expect(full.path == "a:b=c" && full.label == SureLabel("web/1@0.5"))
    let short = try ListText("list.txt=bad")
    #expect(
      short.kind == nil && short.side == .either && short.format == .lines && short.label.confidence == 1)
    #expect(try ListText("csv-2:x=y").format == .column(2) && ListText("ports:ports=y").path == "ports")
    for text in ["", "list", "=bad", "list=", "list=bad@2", "list=bad@0", "addresses:=bad"] {
      #expect(throws: ListError.self, "\(text)") { try ListText(text) }
    }
  }
}
