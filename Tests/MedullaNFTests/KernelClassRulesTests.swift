import CMedullaABI
import DatapathCases
import Foundation
import MedullaBase
import MedullaClassification
import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import MedullaKernel
import MedullaNF
import Testing

@Suite(
  "Rules by the verdict of the kernel's classifier", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelClassRulesTests {
  private static let names = ["small", "large", "vague"]
  /// The packet at which a flow is decided.
  private static let moment = 3
  private static let ingress = "tc:\(VethPair.receiver):ingress"
  private static let sizes = [100, 500, 310]

  private static func settings() -> ChainSettings {
    let functions = names.map { name in
      var function = ChainFunction(name: name)
      function.quota = 256
      return function
    }
    return ChainCase.settings(functions, entries: [])
  }

  private static func attach(_ name: InstanceName, at hook: String, on pair: VethPair) throws {
    var settings = ClassifierSettings()
    settings.moment = try Classifier.moment("\(moment)")
    settings.margin = 100
    let (classifier, snapshot) = (
      try Classifier(at: FunctionHook(hook), settings), try SizeNetwork.snapshot.get()
    )
    _ = try pair.inside { try Instance(name, among: .all).attach(classifier, snapshot) }
  }

  /// A classifier, and a chain whose rules are its classes.
  private func begin(_ letter: String, at hook: String) throws -> (InstanceName, ChainCase) {
    let name = try InstanceName(KernelTestHost.name(letter))
    let chain = try ChainCase(Self.settings()) { pair, settings in
      try Self.attach(name, at: hook, on: pair)
      let table = try ClassifierTable(of: name, among: .all)
      settings.classifier = ClassifierPins(table: table.path, links: table.links)
      settings.rules = try zip(Self.names, ["small", "1", "unsure"]).map { function, text in
        var rule = DemultiplexerRule(function: function)
        rule.flowClass = FlowClass(text, of: name.text, row: try table.row(of: text))
        return rule
      }
    }
    return (name, chain)
  }

  private static func frame(_ flow: Int, _ number: Int, backward: Bool = false) -> TestFrame {
    var frame = TestFrame(number: number, size: sizes[flow])
    guard case .four(let source, let destination) = TestFrame.addresses else { return frame }
    let port = 5_000 + flow
    (frame.sourcePort, frame.destinationPort) = backward ? (7_000, port) : (port, 7_000)
    if backward { frame.network = .four(source: destination, destination: source) }
    return frame
  }

  private static func packets(_ name: InstanceName) throws -> Int {
    let function = try Instance(name, among: .all).pinned().function as? Classifier
    return try #require(function).counts(of: name).reduce(0) { $0 + Int($1.packets) }
  }

  /// When the last packet of each flow was seen, by the classifier's table.
  private static func seen(_ name: InstanceName) throws -> [UInt64] {
    let table = try BPFMap(pinned: ClassifierTable(of: name, among: .all).path)
    return try table.values(beginningWith: medulla_flow_head.self).map(\.last_ns)
  }

  @Test(
    "a flow is the kernel's until its classifier has decided, then its class's function's in both directions",
    arguments: [ingress, "xdp:\(VethPair.sender)"])
  func decided(hook: String) throws {
    let (name, chain) = try begin(hook == Self.ingress ? "ka" : "kb", at: hook)
    defer { try? Instance(name, among: .all).detach() }
    let threads = Self.names.map { FunctionThread(chain.path, $0, verdict: { _ in .release }) }
    #expect(chain.isPresent(Self.names))
    #expect(chain.report?.classifier == ChainReport.Classifier(name: name.text, isAttached: true))
    var sent = 0
    for flow in Self.sizes.indices {
      // At the far end of the wire the classifier sees the other direction.
      let isNear = hook == Self.ingress
      let bytes = (0..<Self.moment).map { Self.frame(flow, $0, backward: !isNear).bytes }
      let device = isNear ? VethPair.sender : VethPair.receiver
      #expect(try chain.pair.send(bytes.count, on: 0, at: device) { bytes[$0] } == bytes.count)
      #expect(try eventually { try Self.packets(name) == (flow + 1) * Self.moment })
      if isNear { sent += Self.moment }
    }
    #expect(chain.settled(sent: sent)?.unmatched == UInt64(sent))
    let before = try Self.seen(name)
    for flow in Self.sizes.indices {
      let frames = (0..<6).map { Self.frame(flow, 10 * flow + $0, backward: $0 % 2 == 1) }
      #expect(try chain.send(frames) == 6)
    }
    let report = try #require(chain.settled(sent: sent + 18))
    #expect(report.delivered == 18 && report.unmatched == UInt64(sent))
    for (flow, thread) in threads.enumerated() {
      #expect(thread.seen.map(\.number) == (0..<6).map { 10 * flow + $0 }, "\(Self.names[flow])")
      #expect(thread.seen.allSatisfy { $0.rule == flow })
    }
    // What the functions took has not reached a classifier behind, which still must not take flows for idle.
    #expect(try Self.packets(name) == 3 * Self.moment)
    let after = try Self.seen(name)
    #expect(before.count == 3 && after.count == 3)
    #expect(zip(before.sorted(), after.sorted()).allSatisfy { $0 < $1 })
    chain.stop()
    threads.forEach { $0.end() }
  }

  @Test("a classifier that is detached decides nothing more, also when another takes its name")
  func detached() throws {
    let (name, chain) = try begin("kc", at: Self.ingress)
    defer { try? Instance(name, among: .all).detach() }
    let thread = FunctionThread(chain.path, "small", verdict: { _ in .release })
    #expect(chain.isPresent(["small"]))
    let frames = (0..<5).map { Self.frame(0, $0) }
    #expect(try chain.send(Array(frames.prefix(Self.moment))) == Self.moment)
    #expect(try eventually { try Self.packets(name) == Self.moment })
    #expect(try chain.send(frames) == 5)
    #expect(chain.settled(sent: Self.moment + 5)?.delivered == 5)
    try Instance(name, among: .all).detach()
    #expect(eventually { chain.report?.classifier?.isAttached == false })
    #expect(try chain.send(frames) == 5)
    #expect(chain.settled(sent: Self.moment + 10)?.unmatched == UInt64(Self.moment + 5))
    try Self.attach(name, at: Self.ingress, on: chain.pair)
    #expect(try chain.send(frames) == 5)
    #expect(try eventually { try Self.packets(name) == 5 })
    #expect(try chain.send(frames) == 5)
    let report = try #require(chain.settled(sent: Self.moment + 20))
    #expect(report.delivered == 5 && report.unmatched == UInt64(Self.moment + 15))
    #expect(report.classifier?.isAttached == false)
    chain.stop()
    thread.end()
    #expect(thread.count == 5)
  }

  @Test("a class, an instance or a place that cannot be is refused with what can")
  func refused() throws {
    let pair = try VethPair()
    let name = try InstanceName(KernelTestHost.name("kd"))
    #expect(throws: DatapathError.self) { try ClassifierTable(of: name, among: .all) }
    try Self.attach(name, at: "xdp:\(VethPair.receiver)", on: pair)
    defer { try? Instance(name, among: .all).detach() }
    let table = try ClassifierTable(of: name, among: .all)
    #expect(try table.row(of: "large") == 1 && table.row(of: "0") == 0)
    #expect(try table.row(of: "unsure") == Int(CLASSIFIER_UNSURE))
    for text in ["2", "-1", "huge", ""] {
      let error = #expect(throws: DatapathError.self) { try table.row(of: text) }
      #expect(error?.remedy == "it has: small, large, unsure")
    }
    let error = #expect(throws: DatapathError.self) {
      try table.check(besideProgramAtXDPOf: VethPair.receiver)
    }
    #expect(error?.remedy.contains("tc:\(VethPair.receiver):ingress") == true)
    try table.check(besideProgramAtXDPOf: VethPair.sender)
    var settings = ChainCase.settings([ChainFunction(name: "small")], entries: ["small"])
    settings.rules[0].flowClass = FlowClass("small", of: name.text, row: 0)
    let unknown = #expect(throws: NFError.self) { try ChainCase(settings) }
    #expect(unknown?.message.contains("looked up") == true)
    // An instance of another function.
    let other = try InstanceName(KernelTestHost.name("ke"))
    try Instance(other, among: .all).attach(CongestionControl(), KernelTestHost.policy(seed: 1).snapshot)
    defer { try? Instance(other, among: .all).detach() }
    let none = #expect(throws: DatapathError.self) { try ClassifierTable(of: other, among: .all) }
    #expect(none?.message == "\(other) is no classifier")
  }
}
