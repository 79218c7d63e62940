import CMedullaABI
import DatapathCases
import Foundation
import MedullaBase
import MedullaFlows
import MedullaKernel
import MedullaSnapshot
import PacketCases
import Testing

@testable import MedullaClassification
@testable import MedullaDatapath

@Suite(
  "the classifier in the kernel", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelClassifierTests {
  private static let captures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../shared/data/captures").standardizedFileURL.path
  private static let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../examples/flows/connection.pcap").standardizedFileURL.path
  /// Of each capture: a few large ones would else take most of the time.
  private static let framesEach = 100

  private static let paths: [String] = {
    let shared = (try? FileManager.default.contentsOfDirectory(atPath: captures)) ?? []
    return [example] + shared.sorted().filter { !$0.hasSuffix(".txt") }.map { captures + "/" + $0 }
  }()

  /// What `CaptureClassification` would decide, packet by packet, with the flows of all captures in one
  /// meter.
  private struct Reader {
    var meter = FlowMeter(idle: .seconds(60))
    let inputs: FlowInputs
    let interpreter: ReferenceInterpreter
    let moment: DecisionMoment
    var decided: Set<Int> = []

    init(_ file: SnapshotFile, _ moment: DecisionMoment) throws {
      inputs = try FlowInputs(file.snapshot.shape.flows?.features ?? [])
      interpreter = ReferenceInterpreter(file.snapshot)
      self.moment = moment
    }

    /// Features, outputs, row and margin; nil: no decision.
    mutating func take(_ frame: CaptureFrame) throws -> [[Int64]]? {
      guard let place = try meter.take(frame, of: .ethernet),
        moment.isNow(meter.flows[place], decided: decided.contains(place))
      else { return nil }
      decided.insert(place)
      let features = inputs.words(of: meter.flows[place])
      let outputs = interpreter.run(features: features)
      let answer = ClassAnswer(outputs)
      let (row, margin) = (answer.row, answer.margin)
      return [features, outputs, [Int64(row), margin]]
    }
  }

  @Test(
    "the flows of every capture are decided as the reference interpreter does, at tc and XDP, bit for bit",
    arguments: [("tc:lo:ingress", "10"), ("xdp:lo", "10"), ("tc:lo:egress", "every"), ("xdp:lo", "end")])
  func captures(hook: String, moment: String) throws {
    var settings = ClassifierSettings()
    settings.moment = try Classifier.moment(moment)
    let bench = try ClassifierBench(hook: hook, settings)
    var reader = try Reader(bench.file, settings.moment)
    var (frames, strange) = (0, 0)
    var rows: [Int64: Int] = [:]
    for path in Self.paths {
      guard let capture = try? CaptureFile(path), capture.link == .ethernet else { continue }
      var seen = 0
      while let frame = try? capture.next(), seen < Self.framesEach, strange < 5 {
        let bytes = Array(frame.bytes)
        // The kernel takes whole frames of a page in a test run, of at least the headers.
        guard bytes.count == frame.length, bytes.count >= 54, bytes.count < 3_400 else { continue }
        seen += 1
        try bench.run(bytes, at: frame.nanoseconds)
        let expected = try reader.take(frame)
        let found = try bench.decisions().map { [$0.features, $0.outputs, Array($0.outcomes.prefix(2))] }
        if found != (expected.map { [$0] } ?? []) {
          strange += 1
          Issue.record("\(path), frame \(seen): \(found) in the kernel, \(expected as Any) of the capture")
        }
        if let row = expected?[2][0] { rows[row, default: 0] += 1 }
      }
      frames += seen
    }
    let counted = try (0..<3).map { Int(try bench.counts($0).flows) }
    if settings.moment != .everyPacket {
      #expect(counted == (0..<3).map { rows[Int64($0)] ?? 0 } && counted.reduce(0, +) == reader.decided.count)
    }
    let all = try (0..<Int(CLASSIFIER_ROWS)).reduce(0) { try $0 + bench.counts($1).packets }
    #expect(Int(all) == frames - reader.meter.counts.withoutFlow, "each packet of a flow is in one row")
    guard Self.paths.count > 1 else { return }
    #expect(frames > 10_000 && rows.values.reduce(0, +) > 100 && rows.count > 1)
  }

  private static let start: UInt64 = 1_600_000_000_000_000_000
  private static let dropped: UInt32 = 2

  private static func frame(_ payload: Int, flags: UInt8 = 24) -> [UInt8] {
    Wire.ethernet(0x0800) + Wire.four(6, bytes: 20 + payload) + Wire.tcp(flags: flags)
      + [UInt8](repeating: 7, count: payload)
  }

  /// A bench whose every class has one action.
  private func bench(_ action: String, hook: String, packets: String = "2", margin: Double = 0) throws
    -> ClassifierBench
  {
    var settings = ClassifierSettings()
    (settings.moment, settings.margin) = (try Classifier.moment(packets), margin)
    for label in ["web", "chat", "game"] { try settings.add("\(label)=\(action)") }
    return try ClassifierBench(hook: hook, settings)
  }

  /// The row that all packets of a decided flow are in.
  private func row(_ bench: ClassifierBench) throws -> Int {
    try #require(try (0..<3).first { try bench.counts($0).packets > 0 })
  }

  @Test(
    "a class that is dropped is dropped from the packet that decides on",
    arguments: ["tc:lo:ingress", "xdp:lo"])
  func drop(hook: String) throws {
    let bench = try bench("drop", hook: hook)
    let passes: UInt32 = hook == "xdp:lo" ? 2 : UInt32(bitPattern: -1)
    let isDropped: UInt32 = hook == "xdp:lo" ? 1 : 2
    let verdicts = try (0..<4).map { try bench.run(Self.frame(100), at: Self.start + $0 * 1_000_000).verdict }
    #expect(verdicts == [passes, isDropped, isDropped, isDropped])
    let counts = try bench.counts(row(bench))
    #expect(counts.flows == 1 && counts.packets == 3 && counts.dropped == 3 && counts.bytes == 3 * 154)
    #expect(try bench.counts(Int(CLASSIFIER_PENDING)).packets == 1)
  }

  @Test("with too small a margin a flow is unsure, and its rule holds", arguments: [0.0, 1e6])
  func unsure(margin: Double) throws {
    let bench = try bench("drop", hook: "tc:lo:ingress", margin: margin)
    for step in 0..<3 { try bench.run(Self.frame(100), at: Self.start + UInt64(step)) }
    let counts = try bench.counts(Int(CLASSIFIER_UNSURE))
    #expect(counts.flows == (margin > 0 ? 1 : 0) && counts.packets == (margin > 0 ? 2 : 0))
    #expect(counts.dropped == 0)
  }

  @Test(
    "a flow that the network is unsure of takes the class that user space gives it, from its next packet on",
    arguments: ["tc:lo:ingress", "xdp:lo"])
  func answered(hook: String) throws {
    var settings = ClassifierSettings()
    (settings.moment, settings.margin) = (.packet(1), 1e6)
    try settings.add("game=drop")
    let bench = try ClassifierBench(hook: hook, settings)
    let isDropped: UInt32 = hook == "xdp:lo" ? 1 : 2
    func verdict(_ step: UInt64) throws -> UInt32 {
      try bench.run(Self.frame(100), at: Self.start + step).verdict
    }
    #expect(try verdict(0) != isDropped)
    let flow = try #require(try bench.decisions().first).flow
    let answers = try bench.set.map(Classifier.Maps.answers)
    // Of another flow, and of a class that programs have no row for.
    try answers.set(UInt64(3), key: flow + 1)
    try answers.set(UInt64(CLASSIFIER_CLASSES + 1), key: flow)
    #expect(try verdict(1) != isDropped)
    try answers.set(UInt64(2 + 1), key: flow)
    #expect(try [verdict(2), verdict(3)] == [isDropped, isDropped])
    let (unsure, game) = (try bench.counts(Int(CLASSIFIER_UNSURE)), try bench.counts(2))
    #expect(unsure.flows == 1 && unsure.packets == 2)
    #expect(game.answered == 1 && game.flows == 0 && game.packets == 2 && game.dropped == 2)
    // It stays so when the answer has made room for others.
    try answers.set(UInt64(1), key: flow)
    #expect(try verdict(4) == isDropped)
  }

  @Test(
    "a limit lets its rate through and a burst, and drops the rest", arguments: ["tc:lo:ingress", "xdp:lo"])
  func limit(hook: String) throws {
    // 8 kbit: a kilobyte a second, and 50 bytes at once.
    let bench = try bench("limit:8kbit", hook: hook, packets: "1")
    let begin = MonotonicClock.nanoseconds
    for step in 0..<200 { try bench.run(Self.frame(100), at: Self.start + UInt64(step)) }
    let seconds = Double(MonotonicClock.nanoseconds - begin) / 1e9
    let counts = try bench.counts(row(bench))
    let passed = Double(counts.packets - counts.dropped) * 154
    #expect(counts.packets == 200 && passed >= 154)
    #expect(passed <= (seconds + 0.05) * 1_000 + 154, "\(passed) bytes in \(seconds) s")
  }

  @Test("mirrored packets are read with their class, their margin and their first bytes")
  func mirror() throws {
    for hook in ["tc:lo:ingress", "xdp:lo"] {
      let bench = try bench("mirror", hook: hook, packets: "1")
      let ring = try RingBuffer(bench.set.map(Classifier.Maps.mirrors))
      try bench.run(Self.frame(10), at: Self.start)
      try bench.run(Self.frame(1_000), at: Self.start + 1_000)
      nonisolated(unsafe) var seen: [(length: UInt32, bytes: [UInt8], row: UInt32)] = []
      try ring.consume { record in
        let mirrored = record.loadUnaligned(as: classifier_mirrored.self)
        let bytes = withUnsafeBytes(of: mirrored.bytes) { Array($0.prefix(Int(mirrored.captured))) }
        seen.append((mirrored.length, bytes, mirrored.row))
      }
      #expect(seen.map(\.length) == [64, 1_054])
      #expect(seen.map(\.bytes) == [Self.frame(10), Array(Self.frame(1_000).prefix(256))])
      let counts = try bench.counts(row(bench))
      #expect(counts.mirrored == 2 && counts.mirrors_lost == 0)
      #expect(Set(seen.map { Int($0.row) }) == [try row(bench)])
    }
  }

  @Test("what is no flow passes, and is in no row")
  func noFlow() throws {
    let bench = try bench("drop", hook: "tc:lo:ingress", packets: "1")
    let arp = Wire.ethernet(0x0806) + [UInt8](repeating: 0, count: 46)
    #expect(try bench.run(arp, at: Self.start).verdict == UInt32(bitPattern: -1))
    for row in 0..<Int(CLASSIFIER_ROWS) { #expect(try bench.counts(row).packets == 0) }
  }
}
