import Foundation
import MedullaFlows
import Testing

@testable import MedullaLabels

@Suite("Flows that nDPI looks at", .enabled(if: NDPICase.isThere, NDPICase.why))
struct NDPIFlowsTests {
  static let schema = LabelSchema(classes: ["name", "other"], features: [])

  /// A query of www.example.org, as a frame of Ethernet.
  static func query(from port: UInt16, length: Int = .max) -> [UInt8] {
    var name: [UInt8] = []
    for part in ["www", "example", "org"] { name += [UInt8(part.utf8.count)] + Array(part.utf8) }
    let payload: [UInt8] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + name + [0, 0, 1, 0, 1]
    func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    let udp = word(Int(port)) + word(53) + word(8 + payload.count) + [0, 0] + payload
    let ip = [0x45, 0] + word(20 + udp.count) + [0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 53]
    let ethernet: [UInt8] = [0x52, 0x54, 0, 0, 0, 2, 0x52, 0x54, 0, 0, 0, 1, 8, 0]
    return Array((ethernet + ip + udp).prefix(length))
  }

  static func ends(_ port: UInt16, turned: Bool = false) -> FlowEndpoints {
    let (client, server): ([UInt8], [UInt8]) = ([192, 0, 2, 1], [192, 0, 2, 53])
    return turned
      ? FlowEndpoints(
        source: server, destination: client, sourcePort: 53, destinationPort: port, transport: 17)
      : FlowEndpoints(
        source: client, destination: server, sourcePort: port, destinationPort: 53, transport: 17)
  }

  static func take(_ flows: NDPIFlows, _ frame: [UInt8], at seconds: UInt64 = 1) {
    frame.withUnsafeBytes { bytes in
      flows.take(
        CaptureFrame(nanoseconds: seconds * 1_000_000_000, bytes: bytes, length: bytes.count), of: .ethernet)
    }
  }

  private func request(_ sample: UInt64, _ port: UInt16) -> LabelRequest {
    LabelRequest(sample: sample, flow: Self.ends(port), features: [])
  }

  @Test("a flow is found by its ends in both directions, with its protocol, name and Ethernet addresses")
  func found() throws {
    let flows = try NDPICase.flows()
    Self.take(flows, Self.query(from: 4_000))
    for turned in [false, true] {
      let found = try #require(flows.finding(of: Self.ends(4_000, turned: turned), settles: true))
      #expect(found.finding.application == "DNS" || found.finding.carrier == "DNS", "\(found)")
      #expect(found.finding.category == "Network" && found.finding.host == "www.example.org" && found.isFinal)
      let sides = flows.addresses(of: Self.ends(4_000, turned: turned))
      let source = turned ? "52:54:00:00:00:02" : "52:54:00:00:00:01"
      #expect(sides.source?.description == source && sides.destination != nil)
    }
    #expect(flows.finding(of: Self.ends(4_001)) == nil && flows.addresses(of: Self.ends(4_001)).source == nil)
  }

  @Test("flows are bounded: the longest silent goes, and those that are silent for too long are forgotten")
  func bounds() throws {
    let flows = try NDPICase.flows(InspectionLimits(flows: 3, idle: .seconds(10)))
    for port in 1...5 as ClosedRange<UInt16> { Self.take(flows, Self.query(from: port)) }
    #expect(flows.counts.flows == 5 && flows.counts.evicted == 2 && flows.counts.inspected == 5)
    #expect((1...5).map { flows.finding(of: Self.ends($0)) != nil } == [false, false, true, true, true])
    Self.take(flows, Self.query(from: 3), at: 9)
    Self.take(flows, Self.query(from: 6), at: 15)
    #expect(flows.counts.idle == 2 && flows.finding(of: Self.ends(3)) != nil)
    #expect((4...5).allSatisfy { flows.finding(of: Self.ends($0)) == nil })
  }

  @Test("of a flow no more packets are looked at than the limit says, and frames of no flow are counted")
  func packets() throws {
    let flows = try NDPICase.flows(InspectionLimits(otherPackets: 2))
    let stuff = Self.query(from: 9_000).enumerated().map { $0.offset < 42 ? $0.element : 0 }
    for _ in 0..<5 { Self.take(flows, stuff) }
    for length in 0..<34 { Self.take(flows, Self.query(from: 1, length: length)) }
    #expect(flows.counts.inspected <= 2 && flows.counts.withoutFlow == 34 && flows.counts.frames == 39)
  }

  @Test("a flow that is not told yet is waited for, and given up when it takes too long")
  func patience() throws {
    let flows = try NDPICase.flows()
    nonisolated(unsafe) var now = Duration.seconds(100)
    let agent = try NDPIAgent(
      flows, map: NDPIMap(["DNS": "name @ 0.8"], schema: Self.schema), patience: .seconds(2), clock: { now })
    #expect(agent.label([request(1, 4_000), request(2, 4_001)]).isEmpty)
    Self.take(flows, Self.query(from: 4_000))
    now = .seconds(101)
    let first = agent.label([])
    now = .seconds(103)
    let labels = first + agent.label([])
    #expect(
      labels.sorted { $0.sample < $1.sample } == [
        Label(sample: 1, agent: "ndpi", label: 0, confidence: 0.8),
        Label(sample: 2, agent: "ndpi", label: nil),
      ])
    #expect(agent.label([]).isEmpty)
  }

  @Test("with no patience an agent answers at once; what stands for nothing is abstained from")
  func atOnce() throws {
    let flows = try NDPICase.flows()
    Self.take(flows, Self.query(from: 4_000))
    let agent = try NDPIAgent(
      flows, map: NDPIMap(["category:Network": "other"], schema: Self.schema), patience: .zero)
    #expect(agent.label([request(1, 4_000), request(2, 4_001)]).map(\.label) == [1, nil])
    let other = try NDPIAgent(flows, map: NDPIMap(["TLS": "other"], schema: Self.schema), patience: .zero)
    #expect(
      other.label([request(1, 4_000), LabelRequest(sample: 2, features: [])]).map(\.label) == [nil, nil])
  }

  @Test("lists of domains and of Ethernet addresses know flows by what nDPI has seen")
  func lists() throws {
    try LabelCase.withFolder { folder in
      try LabelCase.write("example.org\n", to: folder + "/domains")
      try LabelCase.write("52:54:00:00:00:01\n", to: folder + "/macs")
      let flows = try NDPICase.flows()
      Self.take(flows, Self.query(from: 4_000))
      for (text, expected) in [("domains=name", 0), ("source:\(folder)/macs=other", 1)] {
        let list = try ListText(text.replacing("domains=", with: folder + "/domains=")).open()
        let agent = try ListAgent([list], schema: Self.schema, sources: ListSources(flows))
        #expect(agent.label([request(1, 4_000), request(2, 4_001)]).map(\.label) == [expected, nil])
      }
    }
  }

  @Test("packets of an interface are seen as they come (kernel)", .enabled(if: geteuid() == 0))
  func live() throws {
    let flows = try NDPICase.flows()
    let tap = try PacketTap("lo", into: flows)
    defer { tap.close() }
    let socket = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(socket) }
    var to = sockaddr_in()
    to.sin_family = sa_family_t(AF_INET)
    to.sin_port = UInt16(53).bigEndian
    to.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let connected = withUnsafePointer(to: &to) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, size) }
    }
    var own = sockaddr_in()
    var length = size
    _ = withUnsafeMutablePointer(to: &own) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
    }
    try #require(connected == 0)
    let ends = FlowEndpoints(
      source: [127, 0, 0, 1], destination: [127, 0, 0, 1], sourcePort: UInt16(bigEndian: own.sin_port),
      destinationPort: 53, transport: 17)
    let payload = Self.query(from: 1).dropFirst(42).map { $0 }
    var host: String?
    let deadline = Date(timeIntervalSinceNow: 20)
    while host == nil, Date() < deadline {
      _ = payload.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, 0) }
      usleep(50_000)
      host = flows.finding(of: ends)?.finding.host
    }
    #expect(host == "www.example.org" && tap.error == nil, "\(flows.counts)")
  }

  @Test("an interface that there is not is refused with what to do")
  func noInterface() throws {
    let flows = try NDPICase.flows()
    let error = try #require(throws: CaptureError.self) { try PacketTap("none-such", into: flows) }
    #expect(error.code == .unreadable && error.remedy.contains("CAP_NET_RAW"))
  }
}
