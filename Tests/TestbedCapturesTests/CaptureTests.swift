import Foundation
import MedullaFlows
import MedullaSnapshot
import TestbedLink
import Testing

@testable import TestbedCaptures

@Suite("Results beside captures, and how captures are parted and scored")
struct CaptureTests {
  private static let line =
    "\t1\tTCP 192.168.2.16:32996 <-> 216.239.38.120:443 [proto: 91.126/TLS.Google][Encrypted]"
    + "[Confidence: DPI][cat: Web/5][17 pkts/1949 bytes <-> 15 pkts/11826 bytes][0.75 sec]"

  @Test("a line of results gives the ends, the counts and the category")
  func line() throws {
    let flow = try #require(ReferenceFlow(Self.line))
    #expect(flow.key == ReferenceFlow.Key(6, "216.239.38.120 443", "192.168.2.16 32996"))
    #expect(flow.counts == [17, 1949, 15, 11826] && flow.category == "Web" && !flow.isGuessedByPort)
    #expect(flow.lengths == nil && flow.gaps == nil && !flow.hasTag)
  }

  @Test(
    "categories have letters, digits, hyphens and underscores, and may be missing",
    arguments: [
      ("[cat: IoT-Scada/31]", "IoT-Scada"), ("[cat: Crypto_Currency/106]", "Crypto_Currency"),
      ("[cat: VoIP/10]", "VoIP"), ("", nil), ("[cat: /5]", nil), ("[cat: Web]", nil),
    ] as [(String, String?)])
  func category(text: String, category: String?) throws {
    let line = Self.line.replacing("[cat: Web/5]", with: text)
    #expect(try #require(ReferenceFlow(line)).category == category)
  }

  @Test("a guess by port is known as one; IPv6 has its shortest form; other lines are none")
  func others() throws {
    let guess = Self.line.replacing("Confidence: DPI", with: "Confidence: Match by port")
    #expect(try #require(ReferenceFlow(guess)).isGuessedByPort)
    let six =
      "\t2\tUDP [2001:db8:0:0::1]:53 -> [2001:db8::2]:999 [cat: Network/14]"
      + "[1 pkts/90 bytes -> 0 pkts/0 bytes]"
    #expect(
      try #require(ReferenceFlow(six)).key == ReferenceFlow.Key(17, "2001:db8::1 53", "2001:db8::2 999"))
    for line in ["", "Web\t1\t1506\t1", "\t1\t 192.168.2.16             \t 8", String(Self.line.dropFirst())]
    {
      #expect(ReferenceFlow(line) == nil)
    }
  }

  private func capture(_ name: String, _ flows: [(port: Int, began: UInt64)]) -> LabelledCapture {
    LabelledCapture(
      name: name,
      flows: flows.map {
        LabelledFlow(
          key: ReferenceFlow.Key(6, "10.0.0.1 \($0.port)", "10.0.0.2 443"), category: "Web", began: $0.began,
          words: [])
      })
  }

  @Test("captures of the same flows at about the same time are one group, also by a third one")
  func groups() {
    let hour = CaptureGroups.sameWithin
    let captures = [
      capture("a", [(1, 0), (2, 5)]), capture("b", [(9, 0)]), capture("c", [(2, hour + 5), (3, 0)]),
      capture("d", [(1, hour + 1)]), capture("e", [(3, 7)]), capture("f", []),
    ]
    #expect(CaptureGroups.groups(of: captures) == [[0, 2, 4], [1], [3], [5]])
  }

  @Test("every group is on one side, each category near its share on both", arguments: 1...20)
  func split(seed: Int) {
    var groups = (0..<60).map { _ in Set(["Web"]) }
    for place in 0..<10 { groups[place * 3].insert("VPN") }
    for place in 0..<12 { groups[place * 5].insert("Game") }
    groups += [[], []]
    let split = CaptureSplit(groups, test: 0.3, seed: UInt64(seed))
    #expect((split.training + split.test).sorted() == Array(groups.indices))
    for (category, count) in [("Web", 60.0), ("VPN", 10), ("Game", 12)] {
      let own = split.test.filter { groups[$0].contains(category) }.count
      #expect(abs(Double(own) - 0.3 * count) <= 3.5, "seed \(seed), \(category): \(own)")
      #expect(own > 0)
    }
    #expect(split == CaptureSplit(groups, test: 0.3, seed: UInt64(seed)))
    #expect(split != CaptureSplit(groups, test: 0.3, seed: UInt64(seed + 100)))
  }

  @Test(
    "macro-F1 is the mean of the classes' harmonic means, and what is not decided is missed",
    arguments: [
      ([0, 0, 1, 1], [0, 0, 1, 1], [1, 1]), ([0, 0, 1, 1], [1, 1, 0, 0], [0, 0]),
      ([0, 0, 0, 1], [0, 0, 0, 0], [6.0 / 7, 0]), ([0, 0, 1, 1], [0, nil, 1, 1], [2.0 / 3, 1]),
      ([0, 0], [0, 0], [1, 0]), ([], [], [0, 0]),
    ] as [([Int], [Int?], [Double])])
  func scores(truth: [Int], said: [Int?], each: [Double]) {
    let scores = ClassScores(truth, said, classes: 2)
    #expect(scores.each == each && scores.macro == (each[0] + each[1]) / 2)
  }

  @Test("a capture's flows are joined with its results, and those without are counted")
  func joined() throws {
    let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../examples/flows/connection.pcap").standardizedFileURL
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("cap-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    #expect(throws: TestbedError.self) { try CaptureFolder(directory.path) }
    #expect(throws: TestbedError.self) { try CaptureFolder(directory.path + "/absent") }
    try FileManager.default.copyItem(at: examples, to: directory.appendingPathComponent("x.pcap"))
    #expect(throws: TestbedError.self) { try CaptureFolder(directory.path) }

    var meter = FlowMeter(idle: .seconds(60))
    let capture = try CaptureFile(examples.path)
    while let frame = try capture.next() { try meter.take(frame, of: capture.link) }
    let flow = try #require(meter.flows.first)
    let transport = flow.transport == 6 ? "TCP" : "UDP"
    let line =
      "\t1\t\(transport) \(flow.destinationAddress):\(flow.destinationPort) <-> \(flow.sourceAddress):"
      + "\(flow.sourcePort) [cat: Web/5][1 pkts/1 bytes <-> 1 pkts/1 bytes]"
    func read(_ lines: [String]) throws -> LabelledCapture {
      let results = directory.appendingPathComponent("x.pcap.result.txt")
      try Data(lines.joined(separator: "\n").utf8).write(to: results)
      let folder = try CaptureFolder(directory.path)
      #expect(folder.names == ["x.pcap"])
      let inputs = try FlowInputs([InputFeature(name: "packets", scale: .linear)])
      return try #require(
        try LabelledCapture.read(
          "x.pcap", of: folder, inputs: inputs, at: .packet(2), idle: .seconds(60)))
    }
    let own = try read([line])
    #expect(own.flows.allSatisfy { $0.category == "Web" } && !own.flows.isEmpty)
    #expect(own.flows.first?.words == [2 << 16], "decided at its second packet")
    #expect(own.flows.count + own.unlabelled == meter.flows.count)
    let torn = try read([line, line.replacing("Web/5", with: "Game/8")])
    #expect(torn.flows.isEmpty && torn.unlabelled == meter.flows.count)
  }
}
