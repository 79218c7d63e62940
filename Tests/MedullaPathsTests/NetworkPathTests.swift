import CMedullaABI
import DatapathCases
import Foundation
import MedullaDatapath
import MedullaFlows
import MedullaSnapshot
import Testing

@testable import MedullaPaths

@Suite("paths and their settings")
struct NetworkPathTests {
  @Test(
    "a path is written back as it was read",
    arguments: [
      "route", "dev=eth1", "dev=eth1,via=10.0.0.1", "dev=eth1,via=fe80::1",
      "ipip=10.9.0.2,from=10.9.0.1,dev=eth1",
      "ipip=10.9.0.2,from=10.9.0.1,dev=eth1,via=10.1.0.1", "srv6=fd00::2,from=fd00::1,dev=eth1",
      "srv6=fd00::2+fd00::3+fd00::4,from=fd00::1,dev=eth1,via=fe80::1",
    ])
  func reads(text: String) throws {
    let path = try NetworkPath(text)
    #expect(path.description == text)
  }

  @Test(
    "anything else is refused with the forms that there are",
    arguments: [
      "", "eth1", "dev=", "dev=eth1,dev=eth2", "dev=averylongdevice01", "via=10.0.0.1", "dev=eth1,via=ten",
      "dev=eth1,from=10.0.0.1", "ipip=10.9.0.2,dev=eth1", "ipip=fd00::2,from=fd00::1,dev=eth1",
      "ipip=10.9.0.2,from=fd00::1,dev=eth1", "ipip=10.9.0.2,from=10.9.0.1", "srv6=,from=fd00::1,dev=eth1",
      "srv6=10.0.0.1,from=fd00::1,dev=eth1", "srv6=a::1+a::2+a::3+a::4,from=fd00::1,dev=eth1",
      "srv6=fd00::2,from=fd00::1,dev=eth1,via=10.0.0.1", "ipip=10.9.0.2,srv6=fd00::2,from=10.9.0.1,dev=eth1",
      "dev=eth1,color=red",
    ])
  func refuses(text: String) {
    let error = #expect(throws: DatapathError.self) { try NetworkPath(text) }
    #expect(error?.code == .badConfiguration && error?.remedy.contains("dev=DEV") == true)
  }

  @Test("the kernel's words have addresses, kinds and the device's number and size")
  func words() throws {
    var settings = try PathSettings("route; dev=lo; ")
    #expect(settings.paths.map(\.description) == ["route", "dev=lo"])
    try settings.setMargin(0.5)
    try settings.setGap("500us")
    try settings.setExploration(8)
    // The loopback has no neighbours.
    let words = try settings.words(tag: 0x1237, outputFractionBits: 16)
    #expect(words.count == 2 && words.tag == 0x1230 && words.margin == 1 << 15 && words.explores == 8)
    #expect(words.gap_ns == 500_000)
    #expect(words.ways.0.kind == PATH_AS_ROUTED.rawValue && words.ways.1.kind == PATH_DEVICE.rawValue)
    #expect(words.ways.1.interface == if_nametoindex("lo") && words.ways.1.mtu > 0)
    for text in ["dev=lo,via=10.0.0.1", "srv6=fd00::2,from=fd00::1,dev=lo", "dev=nowhere"] {
      let error = #expect(throws: DatapathError.self) {
        try PathSettings("route;\(text)").words(tag: 0, outputFractionBits: 16)
      }
      #expect(error?.code == .badFunction)
    }
  }

  @Test("one path, nine, and what no operator means are refused")
  func limits() throws {
    for text in ["", "route", [String](repeating: "route", count: 9).joined(separator: ";")] {
      #expect(throws: DatapathError.self) { try PathSettings(text) }
    }
    var settings = try PathSettings("route;dev=lo")
    #expect(throws: DatapathError.self) { try settings.setMargin(-1) }
    #expect(throws: DatapathError.self) { try settings.setMargin(.nan) }
    #expect(throws: DatapathError.self) { try settings.setExploration(1.5) }
    #expect(throws: DatapathError.self) { try settings.setGap("0") }
    #expect(throws: DatapathError.self) { try settings.setGap("soon") }
    try settings.setGap("never")
    #expect(settings.gap == nil)
  }

  @Test("what is pinned brings the same settings back, and the daemon's keys make them too")
  func record() throws {
    let values: [String: FunctionValue] = [
      "hook": .text("tc:eth0:egress"), "paths": .text("route; srv6=fd00::2+fd00::3,from=fd00::1,dev=eth1"),
      "margin": .number(1), "explore": .number(0), "flowlet_gap": .text("2ms"),
    ]
    let selection = try PathSelection(values: values)
    let back = try PathSelection(record: selection.record)
    #expect(back.settings == selection.settings && back.hook == selection.hook)
    #expect(selection.settings.gapText == "2000us" && selection.settings.explores == 0)
    #expect(throws: DatapathError.self) { try PathSelection(record: [1, 2, 3]) }
    #expect(throws: DatapathError.self) { try PathSelection(values: ["hook": .text("tc:eth0:egress")]) }
  }

  @Test("every path has every feature by the name that a network gives it")
  func features() throws {
    #expect(FlowInterface.pathLimit == Int(PATHS_LIMIT))
    #expect(NetworkPath.segmentLimit == Int(PATHS_SEGMENTS))
    #expect(PathFeature.all.count == Int(PATHS_LIMIT) * Int(PATH_FEATURE_COUNT.rawValue))
    #expect(Set(PathFeature.all.map(\.name)).count == PathFeature.all.count)
    for feature in PathFeature.all {
      let input = try #require(InputFeature(feature.name))
      #expect(input.path.map { (1...8).contains($0) } == true && !feature.formula.isEmpty)
    }
    #expect(FlowFeature.all.allSatisfy { InputFeature($0.name)?.path == nil })
  }

  @Test("a cost is worth less the higher it is: half the round trip is twice the reward")
  func reward() {
    var measure = PathReward()
    let samples = [8, 9, 10].map { (cost: Int64) in
      FunctionSample(
        nanoseconds: 1, flow: 7, version: 3, features: [], outputs: [0, 0], outcomes: [cost << 16, 0])
    }
    let rewards = measure.rewards(of: samples)
    #expect(rewards.map(\.reward) == [4, 2, 1] && rewards.allSatisfy { $0.version == 3 })
  }

  @Test("the path that was taken is told, and whether another was predicted to cost less")
  func answer() {
    let words: [Int64] = [9 << 16, 1]
    #expect(
      PathSelection.answer(outputs: [10, 8], outcomes: words, fractionBits: 16)
        == "path 1, of least predicted cost (1023, 255 us); it came to 511 us")
    #expect(
      PathSelection.answer(outputs: [8, 10], outcomes: words, fractionBits: 16)
        == "path 1, though path 0 has the least predicted cost (255, 1023 us); it came to 511 us")
    #expect(PathSelection.answer(outputs: [], outcomes: words, fractionBits: 16) == nil)
  }
}
