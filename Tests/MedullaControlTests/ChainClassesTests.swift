import CMedullaABI
import DatapathCases
import MedullaClassification
import MedullaCompile
import MedullaDatapath
import MedullaKernel
import Testing

@testable import MedullaControl
@testable import MedullaNF

@Suite(
  "Classes of a chain's rules (kernel)", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct ChainClassesTests {
  private static func file(_ classifier: String, classes: [String]) throws -> ChainFile {
    let rules = classes.map { "  - { function: a, class: \($0), classifier: \(classifier) }" }
    return try ChainFile(
      text: """
        name: classes
        interface: \(VethPair.receiver)
        functions: [{ name: a, kind: count }]
        rules:
          - { function: a, protocol: tcp }

        """ + rules.joined(separator: "\n") + "\n", path: "/c.yaml")
  }

  private func attached(_ letter: String, at hook: String, _ body: (String) throws -> Void) throws {
    let wire = try VethPair()
    let name = try InstanceName(KernelTestHost.name(letter))
    let (classifier, snapshot) = (try Classifier(at: FunctionHook(hook)), try SizeNetwork.snapshot.get())
    _ = try wire.inside { try Instance(name, among: .all).attach(classifier, snapshot) }
    defer { try? Instance(name, among: .all).detach() }
    try body(name.text)
  }

  @Test("labels, numbers and unsure are rows of the classifier that is attached, whose pins there are")
  func found() throws {
    try attached("na", at: "tc:\(VethPair.receiver):both") { name in
      let file = try Self.file(name, classes: ["large", "0", "unsure"]).withClasses(among: .all)
      #expect(file.settings.rules.map(\.flowClass?.row) == [nil, 1, 0, Int(CLASSIFIER_UNSURE)])
      let pins = try #require(file.settings.classifier)
      #expect(try BPFMap(pinned: pins.table).keySize == MemoryLayout<medulla_flow_key>.size)
      #expect(pins.links.count == 2)
      for link in pins.links { _ = try BPFLink(pinned: link) }
      let unknown = #expect(throws: DatapathError.self) {
        try Self.file(name, classes: ["large", "huge"]).withClasses(among: .all)
      }
      #expect(unknown?.message == "the classifier \(name) has no class huge")
      #expect(unknown?.remedy.contains("small, large, unsure") == true)
    }
  }

  @Test("a classifier that is not there, or stands where the demultiplexer must, is refused")
  func refused() throws {
    let absent = #expect(throws: DatapathError.self) {
      try Self.file("nobody", classes: ["small"]).withClasses(among: .all)
    }
    #expect(absent?.code == .notAttached)
    try attached("nb", at: "xdp:\(VethPair.receiver)") { name in
      let place = #expect(throws: DatapathError.self) {
        try Self.file(name, classes: ["small"]).withClasses(among: .all)
      }
      #expect(place?.remedy.contains("tc:\(VethPair.receiver):ingress") == true)
    }
    // Without classes nothing is asked for.
    let plain = try Self.file("nobody", classes: [])
    #expect(try plain.withClasses(among: .all) == plain)
  }

  @Test("the table of counts says whether the classifier is there, and only where rules ask")
  func told() {
    var report = ChainReport(
      name: "c", mode: .yield,
      frames: ChainReport.Frames(total: 1, free: 1, inKernel: 0, inSending: 0, bytes: 2_048, isHuge: false),
      interfaces: [], functions: [], delivered: 0, unmatched: 0, malformed: 0, notTaken: 0, unstamped: 0)
    #expect(!ChainTables.counts(report).contains("classes"))
    report.classifier = ChainReport.Classifier(name: "cls", isAttached: true)
    #expect(ChainTables.counts(report).contains("classes by cls, attached\n"))
    report.classifier = ChainReport.Classifier(name: "cls", isAttached: false)
    #expect(
      ChainTables.counts(report).contains("by cls, which has gone: rules that ask for its classes match"))
  }
}
