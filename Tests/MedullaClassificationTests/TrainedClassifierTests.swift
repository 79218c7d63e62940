import DatapathCases
import Foundation
import MedullaBase
import MedullaDatapath
import MedullaFlows
import MedullaSnapshot
import TestbedCaptures
import Testing

@testable import MedullaClassification
@testable import TestbedExperiments

private enum SharedCaptures {
  static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../shared/data/captures").standardizedFileURL.path
  static let isThere = FileManager.default.fileExists(atPath: path)
}

@Suite(
  "a classifier in the kernel that was trained on captures", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason),
  .enabled(if: SharedCaptures.isThere, "no ../shared/data"))
struct TrainedClassifierTests {
  /// Captures are hours apart, so that a flow of one is over when the next begins.
  private static let pause: UInt64 = 7_200_000_000_000
  /// What a test run takes: a frame without its checksum at least, and a page with room for the kernel's own.
  private static let lengths = 60...3_399

  /// A frame as Ethernet has it, padded or cut to what a test run takes; nil: it has no network header.
  private func ethernet(_ frame: CaptureFrame, of link: LinkLayer) -> [UInt8]? {
    var bytes = Array(frame.bytes)
    let network: Int
    switch link {
    case .ethernet: network = -1
    case .raw: network = 0
    case .typed(let count, _): network = count
    case .family: network = 4
    case .pointToPoint: network = bytes.starts(with: [0xff, 0x03]) ? 4 : 2
    }
    if network >= 0 {
      guard network < bytes.count else { return nil }
      let type: [UInt8] = bytes[network] >> 4 == 6 ? [0x86, 0xdd] : [0x08, 0x00]
      bytes = [UInt8](repeating: 2, count: 12) + type + bytes[network...]
    }
    let missing = max(Self.lengths.lowerBound - bytes.count, 0)
    return Array((bytes + [UInt8](repeating: 0, count: missing)).prefix(Self.lengths.upperBound))
  }

  private func network() throws -> (snapshot: DatapathSnapshot, file: SnapshotFile) {
    let flows = try ApplicationFlows(
      ApplicationFlows.read(SharedCaptures.path, packets: 10) { _ in }, least: 10, testShare: 0.3)
    let sample = flows.sample(of: Array(flows.captures.indices))
    let network = try ApplicationNetwork(
      sample.words, sample.labels, features: ApplicationInputs.all, categories: flows.categories, epochs: 3,
      seed: 1)
    let file = try SnapshotFile(network.snapshot)
    return (try DatapathSnapshot(compiling: file, name: "applications"), file)
  }

  @Test("every flow of every capture has the class that the interpreter gives it, from the packets on")
  func everyFlow() throws {
    var settings = ClassifierSettings()
    settings.moment = .packet(10)
    let bench = try ClassifierBench(hook: "tc:lo:ingress", settings, network: network())
    let inputs = try FlowInputs(ApplicationInputs.all)
    let interpreter = ReferenceInterpreter(bench.file.snapshot)
    var meter = FlowMeter(idle: .seconds(60))
    var decided: Set<Int> = []
    var classes: Set<Int64> = []
    var (frames, strange, base) = (0, 0, UInt64(1_600_000_000_000_000_000))
    for name in try CaptureFolder(SharedCaptures.path).names {
      guard let capture = try? CaptureFile(SharedCaptures.path + "/" + name) else { continue }
      var first: UInt64?
      var last = base
      while let frame = try? capture.next(), strange < 5 {
        guard let bytes = ethernet(frame, of: capture.link) else { continue }
        first = first ?? frame.nanoseconds
        let time = base &+ frame.nanoseconds &- (first ?? 0)
        last = max(last, time)
        frames += 1
        try bench.run(bytes, at: time)
        let place = try bytes.withUnsafeBytes {
          try meter.take(CaptureFrame(nanoseconds: time, bytes: $0, length: $0.count), of: .ethernet)
        }
        var expected: [[Int64]] = []
        if let place, settings.moment.isNow(meter.flows[place], decided: decided.contains(place)) {
          decided.insert(place)
          let words = inputs.words(of: meter.flows[place])
          let outputs = interpreter.run(features: words)
          let answer = ClassAnswer(outputs)
          let (row, margin) = (answer.row, answer.margin)
          expected = [words, outputs, [Int64(row), margin]]
          classes.insert(Int64(row))
        }
        let found = try bench.decisions().flatMap { [$0.features, $0.outputs, Array($0.outcomes.prefix(2))] }
        if found != expected {
          strange += 1
          Issue.record("\(name), frame \(frames): \(found) in the kernel, \(expected) of the capture")
        }
      }
      base = last + Self.pause
    }
    print("frames \(frames), flows \(meter.flows.count), decided \(decided.count), classes \(classes.count)")
    #expect(decided.count > 1_000 && classes.count >= 8)
  }
}
