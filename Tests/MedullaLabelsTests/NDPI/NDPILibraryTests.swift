import Foundation
import Testing

@testable import MedullaLabels

/// nDPI, where it is installed: `make setup` does.
enum NDPICase {
  static let isThere = (try? NDPILibrary()) != nil
  static let why: Comment = "nDPI 4.2 is not installed: make setup"

  static func flows(_ limits: InspectionLimits = InspectionLimits()) throws -> NDPIFlows {
    try NDPIFlows(limits)
  }
}

@Suite("nDPI, loaded at run time")
struct NDPILibraryTests {
  @Test("a version that is not known by revision, interface and sizes is refused, and says which is")
  func versions() throws {
    let known = NDPIVersion.known[0]
    #expect(try NDPILibrary.check(known) == known)
    let patched = NDPIVersion(
      revision: "4.2.0-3611-5e1a4b7", interface: known.interface, flowBytes: known.flowBytes,
      tcpBytes: known.tcpBytes, udpBytes: known.udpBytes)
    #expect(try NDPILibrary.check(patched) == known)
    let others = [
      NDPIVersion(revision: "4.8.0", interface: 8_668, flowBytes: 688, tcpBytes: 136, udpBytes: 88),
      NDPIVersion(revision: "4.2.0", interface: 8_669, flowBytes: 688, tcpBytes: 136, udpBytes: 88),
      NDPIVersion(revision: "4.2.0", interface: 8_668, flowBytes: 696, tcpBytes: 136, udpBytes: 88),
      NDPIVersion(revision: "4.2.0", interface: 8_668, flowBytes: 688, tcpBytes: 128, udpBytes: 88),
      NDPIVersion(revision: "4.2.0", interface: 8_668, flowBytes: 688, tcpBytes: 136, udpBytes: 96),
    ]
    for other in others {
      let error = try #require(throws: NDPIError.self) { try NDPILibrary.check(other) }
      #expect(error.code == .unknownVersion && error.message.contains(other.revision))
      #expect(error.cause.contains("4.2.0") && error.remedy.contains("libndpi4.2"))
    }
  }

  @Test("where there is no library it says what to install; another library is none")
  func missing() throws {
    let error = try #require(throws: NDPIError.self) { try NDPILibrary(names: ["libnone-at-all.so.1"]) }
    #expect(error.code == .missing && error.remedy.contains("apt-get install"))
    let other = try #require(throws: NDPIError.self) { try NDPILibrary(names: ["libc.so.6"]) }
    #expect(other.code == .unfit && other.message.contains("ndpi_revision"))
  }

  @Test("a protocol's parts are where the library has them")
  func parts() {
    let both = NDPIProtocol(carrier: 91, application: 124, category: 7)
    #expect(NDPIProtocol(word: both.word) == both && both.word == 7 << 32 | 124 << 16 | 91)
    #expect(!NDPIProtocol(word: 7 << 32).isKnown)
  }

  @Test(
    "names that nDPI has are found, in any case, and others are not",
    .enabled(if: NDPICase.isThere, NDPICase.why))
  func names() throws {
    let module = try NDPIModule(NDPILibrary())
    #expect(module.find(protocol: "tls") == 91 && module.find(protocol: "YouTube") == 124)
    #expect(module.find(protocol: "YouTubes") == nil && module.find(protocol: "") == nil)
    #expect(module.hasCategory("Web") && module.hasCategory("VoIP") && !module.hasCategory("Webs"))
  }

  @Test("limits that cannot be are refused", .enabled(if: NDPICase.isThere, NDPICase.why))
  func limits() {
    for limits in [
      InspectionLimits(flows: 0), InspectionLimits(tcpPackets: 0), InspectionLimits(otherPackets: 256),
      InspectionLimits(idle: .zero),
    ] {
      #expect(throws: NDPIError.self) { try NDPIFlows(limits) }
    }
  }
}

@Suite("What nDPI's names stand for")
struct NDPIMapTests {
  private let schema = LabelSchema(classes: ["web", "video", "bulk"], features: [])

  private func finding(_ name: String, _ application: String, _ carrier: String, _ category: String)
    -> NDPIFinding
  {
    NDPIFinding(
      name: name, application: application, carrier: carrier, category: category, host: nil, isGuessed: false)
  }

  @Test("the most specific name counts: whole, application, carrier, category; others stand for nothing")
  func order() throws {
    let video = finding("TLS.YouTube", "YouTube", "TLS", "Media")
    var table = ["category:Media": "bulk @ 0.5"]
    #expect(try NDPIMap(table, schema: schema).meaning(of: video) == .init(label: 2, confidence: 0.5))
    table["tls"] = "web"
    #expect(try NDPIMap(table, schema: schema).meaning(of: video)?.label == 0)
    table["youtube"] = "video"
    #expect(try NDPIMap(table, schema: schema).meaning(of: video)?.label == 1)
    table["TLS.YouTube"] = "web@0.9"
    let map = try NDPIMap(table, schema: schema)
    #expect(map.meaning(of: video) == .init(label: 0, confidence: 0.9))
    #expect(map.meaning(of: finding("DNS", "DNS", "", "Network")) == nil && map.meaning(of: .nothing) == nil)
  }

  @Test("a map with a class that there is not, of another form, or without names is refused")
  func refused() throws {
    for table in [[:], ["TLS": "game"], ["TLS": "web @ 2"], ["TLS": ""], ["TLS": "web", "tls": "video"]] {
      #expect(throws: NDPIError.self) { try NDPIMap(table, schema: schema) }
    }
    try LabelCase.withFolder { folder in
      for text in ["", "[]", "{\"TLS\": 1}", "{\"TLS\": \"game\"}"] {
        try LabelCase.write(text, to: folder + "/map.json")
        let error = try #require(throws: NDPIError.self) {
          try NDPIMap.read(folder + "/map.json", schema: schema)
        }
        #expect(error.code == .badSetting && !error.remedy.isEmpty)
      }
      #expect(throws: NDPIError.self) { try NDPIMap.read(folder + "/none.json", schema: schema) }
      try LabelCase.write("{\"TLS\": \"web\"}", to: folder + "/map.json")
      #expect(try NDPIMap.read(folder + "/map.json", schema: schema).names == ["TLS"])
    }
  }

  @Test("names that nDPI does not have are refused", .enabled(if: NDPICase.isThere, NDPICase.why))
  func unknown() throws {
    let flows = try NDPICase.flows()
    for name in ["TLS.YouTube", "youtube", "category:web", "HTTP"] {
      _ = try NDPIAgent(flows, map: NDPIMap([name: "web"], schema: schema))
    }
    for name in ["TLS.YouTub", "Nothing", "category:Nothing", "YouTube.TLS.HTTP"] {
      let error = try #require(throws: NDPIError.self) {
        try NDPIAgent(flows, map: NDPIMap([name: "web"], schema: schema))
      }
      #expect(error.code == .badSetting, "\(name)")
    }
  }
}
