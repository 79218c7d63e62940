import CMedullaABI
import Foundation
import TestbedCaptures
import Testing

@testable import MedullaFlows

private enum SharedCaptures {
  /// Where the captures are; nil: this checkout has none beside it.
  static let folder: String? = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../../shared/data/captures").standardizedFileURL.path
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }()
}

/// Real captures against what another tool, nDPI's reader, has measured of them, flow by flow.
///
/// Both define a flow's packets and lengths alike. Of gaps the other tool leaves some out: after every tenth
/// packet of a flow each direction's next one, and of SYN, FIN and RST from server to client theirs; and it
/// takes 0 for no value yet when it looks for the minimum (nDPI's `reader_util.c` and `ndpi_analyze.c` of
/// October 2024). The test does the same to the packets that the meter has told apart.
@Suite(
  "captures as another tool has measured them",
  .enabled(if: SharedCaptures.folder != nil, "no ../shared/data")
)
struct CaptureResultsTests {
  /// Both must agree on so many of the flows that both define alike.
  private static let bound = 0.99

  private struct Tally {
    var alike = 0
    var counts = 0
    var lengths = (compared: 0, same: 0)
    var gaps = (compared: 0, same: 0)
    var classes: [String: Int] = [:]
    var strange: [String] = []
  }

  @Test("packets, bytes, lengths and gaps of TCP and UDP flows are the same on 99 of 100")
  func agree() throws {
    let folder = try #require(SharedCaptures.folder)
    var tally = Tally()
    for file in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
      guard !file.hasSuffix(".txt") else { continue }
      try compare(folder + "/" + file, &tally)
    }
    print("flows alike: \(tally.alike), counts \(tally.counts), lengths \(tally.lengths), gaps \(tally.gaps)")
    print("others: \(tally.classes.sorted { $0.key < $1.key })\n\(tally.strange.joined(separator: "\n"))")
    #expect(tally.alike > 3_000 && tally.lengths.compared > 1_000 && tally.gaps.compared > 1_000)
    #expect(Double(tally.counts) >= Self.bound * Double(tally.alike))
    #expect(Double(tally.lengths.same) >= Self.bound * Double(tally.lengths.compared))
    #expect(Double(tally.gaps.same) >= Self.bound * Double(tally.gaps.compared))
  }

  private func compare(_ path: String, _ tally: inout Tally) throws {
    let references = try ReferenceFlow.read(path + ".result.txt")
    guard let capture = try? CaptureFile(path) else {
      tally.classes["capture that cannot be read", default: 0] += references.count
      return
    }
    var meter = FlowMeter(idle: .seconds(30 * 86_400))
    var gaps: [Int: ReferenceGaps] = [:]
    while let frame = try? capture.next() {
      guard let index = try meter.take(frame, of: capture.link) else { continue }
      var packet = medulla_packet()
      _ = capture.link.parse(frame.bytes, into: &packet)
      medulla_turn(&packet)
      let backward = packet.reversed != meter.flows[index].state.reversed
      gaps[index, default: ReferenceGaps()].take(
        frame.nanoseconds / 1_000, backward: backward, isEdge: packet.flags & 7 != 0)
    }
    let own = Dictionary(grouping: meter.flows.indices) { ReferenceFlow.Key(meter.flows[$0]) }
    for reference in references {
      guard let candidates = own[reference.key] else {
        tally.classes["inside a tunnel, or of frames that are not read", default: 0] += 1
        continue
      }
      guard candidates.count == 1, let index = candidates.first else {
        tally.classes[
          "several connections one after another, which the other tool takes for one", default: 0] += 1
        continue
      }
      guard !reference.hasTag else {
        tally.classes["VLAN, by which the other tool parts flows", default: 0] += 1
        continue
      }
      tally.alike += 1
      judge(reference, meter.flows[index], gaps[index] ?? ReferenceGaps(), path, &tally)
    }
  }

  private func judge(
    _ reference: ReferenceFlow, _ flow: FlowRecord, _ gaps: ReferenceGaps, _ path: String,
    _ tally: inout Tally
  ) {
    let features = FlowCase.features(flow)
    let forward = reference.isForward(flow)
    let ways = forward ? ["forward", "backward"] : ["backward", "forward"]
    let counts = ways.flatMap { way in ["packets_", "bytes_"].map { features[$0 + way] ?? 0 } }
    let file = path.split(separator: "/").last.map(String.init) ?? path
    guard counts == reference.counts else {
      tally.strange.append("\(file): \(reference.line.prefix(70)) \(counts) for \(reference.counts)")
      return
    }
    tally.counts += 1
    if let lengths = reference.lengths {
      let measured = ["minimum", "mean", "maximum", "deviation"].flatMap { kind in
        ways.map { Double(features["length_\($0)_\(kind)"] ?? 0) }
      }
      tally.lengths.compared += 1
      // Integers here are rounded down, there to the nearest.
      if zip(lengths, measured).allSatisfy({ abs($0 - $1) <= 1 }) { tally.lengths.same += 1 }
    }
    if let expected = reference.gaps {
      tally.gaps.compared += 1
      if zip(expected, gaps.figures(forwardFirst: forward)).allSatisfy({ abs($0 - $1) <= 1 }) {
        tally.gaps.same += 1
      } else {
        tally.strange.append(
          "\(file): \(reference.line.prefix(70)) gaps \(gaps.figures(forwardFirst: forward))")
      }
    }
  }
}

/// Gaps in milliseconds as the other tool counts them.
private struct ReferenceGaps {
  private var last: [UInt64?] = [nil, nil]
  private var values: [[Double]] = [[], []]
  private var packets = 0

  mutating func take(_ time: UInt64, backward: Bool, isEdge: Bool) {
    let way = backward ? 1 : 0
    if let before = last[way], !(backward && isEdge), time >= before {
      values[way].append(Double((time - before) / 1_000))
    }
    last[way] = time
    packets += 1
    if packets % 10 == 0 { last = [nil, nil] }
  }

  /// Minimum, mean, maximum and deviation, each for both ways.
  func figures(forwardFirst: Bool) -> [Double] {
    let ways = (forwardFirst ? values : values.reversed()).map { values -> [Double] in
      let leading = values.prefix { $0 == 0 }
      let minimum = values.dropFirst(leading.count).min() ?? 0
      let mean = values.reduce(0, +) / Double(max(values.count, 1))
      let squares = values.reduce(0) { $0 + $1 * $1 } / Double(max(values.count, 1))
      return [minimum, mean, values.max() ?? 0, max(squares - mean * mean, 0).squareRoot()]
    }
    return (0..<4).flatMap { [ways[0][$0], ways[1][$0]] }
  }
}
