import DatapathCases
import Foundation
import Glibc
import MedullaFlows
import MedullaLabels
import Testing

@testable import MedullaAdaptation

/// A capture of real traffic, its flows, and what nDPI in this process says of them.
private struct Traffic {
  static let isUsable = KernelTestHost.isUsable && (try? NDPIFlows()) != nil

  static let map = ["TLS": "web", "QUIC": "web", "HTTP": "web", "DNS": "name"]
  static let schema = LabelSchema(classes: ["web", "name", "other"], features: [])

  /// The largest one that a wire takes.
  private static let frameLimit = 1_514
  private static let framesOfFlows = 600

  static let path: String = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../..").standardizedFileURL.path
    let shared = root + "/../shared/data/captures/youtube_quic.pcap"
    return FileManager.default.fileExists(atPath: shared)
      ? shared : root + "/examples/classifier/traffic.pcap"
  }()

  let frames: [[UInt8]]
  let requests: [LabelRequest]
  let labels: [UInt64: Int?]

  init() throws {
    let capture = try CaptureFile(Self.path)
    try #require(capture.link == .ethernet)
    let flows = try NDPIFlows(InspectionLimits(idle: .seconds(86_400)))
    var meter = FlowMeter(idle: .seconds(86_400))
    var frames: [[UInt8]] = []
    while frames.count < Self.framesOfFlows, let frame = try capture.next() {
      guard frame.bytes.count <= Self.frameLimit else { continue }
      frames.append(Array(frame.bytes))
      flows.take(frame, of: capture.link)
      _ = try meter.take(frame, of: capture.link)
    }
    self.frames = frames
    requests = meter.flows.enumerated().map { place, flow in
      LabelRequest(
        sample: UInt64(place + 1),
        flow: FlowEndpoints(
          source: flow.sourceBytes, destination: flow.destinationBytes, sourcePort: flow.sourcePort,
          destinationPort: flow.destinationPort, transport: flow.transport), features: [])
    }
    let agent = try NDPIAgent(flows, map: NDPIMap(Self.map, schema: Self.schema), patience: .zero)
    labels = Dictionary(uniqueKeysWithValues: agent.label(requests).map { ($0.sample, $0.label) })
  }

  var told: Int { labels.values.count { $0 != nil } }
}

@Suite("nDPI in a process of its own", .serialized, .enabled(if: Traffic.isUsable))
struct NDPIProcessTests {
  /// A map that any user may read.
  private final class MapFile: Sendable {
    let path = NSTemporaryDirectory() + "medulla-map-\(UUID()).json"

    init(_ map: [String: String]) throws {
      try JSONEncoder().encode(map).write(to: URL(fileURLWithPath: path))
      chmod(path, 0o644)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private static func agent(_ map: String, patience: Duration = .zero) throws -> ProcessLabelingAgent {
    let isolation = ProcessIsolation(user: ProcessPeer.user)
    var settings = try ProcessSettings.ndpi(
      .init(interface: VethPair.receiver, map: map, patience: patience, isolation: isolation))
    settings.function = "ndpi-\(getpid())"
    settings.startPatience = .seconds(60)
    settings.restart.first = .milliseconds(50)
    return try ProcessLabelingAgent("ndpi", settings, schema: Traffic.schema, log: ProcessPeer.quiet)
  }

  private static func replay(_ traffic: Traffic, on wire: VethPair) throws {
    let sent = try wire.send(traffic.frames.count, on: 0) { traffic.frames[$0] }
    #expect(sent == traffic.frames.count)
  }

  /// Asks until every flow that nDPI knows here is known there too: packets may come later than questions.
  private static func labels(_ agent: ProcessLabelingAgent, _ traffic: Traffic) throws -> [UInt64: Int?] {
    var found: [UInt64: Int?] = [:]
    _ = try eventually(within: 20) {
      for label in try agent.label(traffic.requests) { found[label.sample] = label.label }
      return found.values.count { $0 != nil } >= traffic.told
    }
    return found
  }

  private static func status(_ process: pid_t) throws -> [String: String] {
    let text = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    return Dictionary(
      text.split(separator: "\n").compactMap { line in
        let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
        return parts.count == 2 ? (parts[0], parts[1].trimmingCharacters(in: .whitespaces)) : nil
      }
    ) { first, _ in first }
  }

  @Test("flows of a real capture have the labels that nDPI gives here, by a process without rights")
  func labels() throws {
    let traffic = try Traffic()
    try #require(traffic.told >= 3, "\(Traffic.path)")
    let (wire, map) = (try VethPair(), try MapFile(Traffic.map))
    try wire.inside {
      let agent = try Self.agent(map.path)
      defer { agent.close() }
      // It starts with the first question, and has seen nothing then.
      #expect(try agent.label(traffic.requests).allSatisfy { $0.label == nil })
      try Self.replay(traffic, on: wire)
      #expect(try Self.labels(agent, traffic) == traffic.labels)
      let process = try #require(agent.processIdentifier)
      let status = try Self.status(process)
      for kind in ["CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"] {
        #expect(status[kind].flatMap { UInt64($0, radix: 16) } == 0, "\(kind) \(status[kind] ?? "")")
      }
      #expect(status["Seccomp"] == "2" && status["NoNewPrivs"] == "1")
      if let user = ProcessPeer.user {
        let number = try #require(getpwnam(user)).pointee.pw_uid
        #expect(status["Uid"]?.split(separator: "\t").allSatisfy { $0 == "\(number)" } == true)
      }
      #expect(try Self.sockets(of: process) == [3, 4])
      #expect(agent.starts == 1)
    }
  }

  /// The descriptors of a process that are sockets.
  private static func sockets(of process: pid_t) throws -> [Int] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").compactMap(Int.init).filter {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\($0)"))?
        .hasPrefix("socket:") == true
    }.sorted()
  }

  @Test("after kill -9 it is started again, by a new socket, and labels what comes then")
  func killed() throws {
    let traffic = try Traffic()
    let (wire, map) = (try VethPair(), try MapFile(Traffic.map))
    try wire.inside {
      let agent = try Self.agent(map.path)
      defer { agent.close() }
      _ = try agent.label(traffic.requests)
      try Self.replay(traffic, on: wire)
      #expect(try Self.labels(agent, traffic) == traffic.labels)
      let first = try #require(agent.processIdentifier)
      #expect(kill(first, SIGKILL) == 0)
      let failure = ProcessPeer.failure { _ = try agent.label(traffic.requests) }
      #expect(failure?.code == .ended && failure?.message.contains("signal 9") == true)
      #expect(eventually(within: 30) { (try? agent.label(traffic.requests)) != nil })
      #expect(agent.starts == 2 && agent.processIdentifier != first)
      // What was known has gone with the process.
      #expect(try agent.label(traffic.requests).allSatisfy { $0.label == nil })
      try Self.replay(traffic, on: wire)
      #expect(try Self.labels(agent, traffic) == traffic.labels)
    }
  }

  @Test("an interface that goes is told of, and one of its name that comes is read again")
  func interface() throws {
    let traffic = try Traffic()
    let (wire, map) = (try VethPair(), try MapFile(Traffic.map))
    try wire.inside {
      let agent = try Self.agent(map.path)
      defer { agent.close() }
      _ = try agent.label(traffic.requests)
      try SlowLoopback.run(["ip", "-n", wire.name, "link", "del", VethPair.sender])
      var told = ""
      #expect(
        eventually {
          told = ProcessPeer.failure { _ = try agent.label(traffic.requests) }?.description ?? ""
          return told.contains("can no longer be read")
        }, "\(told)")
      #expect(
        eventually {
          let failure = ProcessPeer.failure { _ = try agent.label(traffic.requests) }
          return failure?.code == .cannotStart && failure?.message.contains("no interface") == true
        })
      try SlowLoopback.run([
        "ip", "-n", wire.name, "link", "add", VethPair.sender, "type", "veth", "peer", "name",
        VethPair.receiver,
      ])
      for device in [VethPair.sender, VethPair.receiver] {
        try SlowLoopback.run(["ip", "-n", wire.name, "link", "set", device, "up"])
      }
      #expect(eventually(within: 30) { (try? agent.label(traffic.requests)) != nil })
      try Self.replay(traffic, on: wire)
      #expect(try Self.labels(agent, traffic) == traffic.labels)
    }
  }

  @Test("a map that is wrong is the process's own error, with what to do")
  func badMap() throws {
    let (wire, map) = (try VethPair(), try MapFile(["NoSuchThing": "web"]))
    try wire.inside {
      let agent = try Self.agent(map.path)
      defer { agent.close() }
      let failure = ProcessPeer.failure {
        _ = try agent.label([LabelRequest(sample: 1, features: [])])
      }
      #expect(
        failure?.code == .refused && failure?.message.contains("NoSuchThing") == true, "\(failure as Any)")
    }
  }
}
