import Foundation
import MedullaFlows
import TestbedCaptures
import Testing

@testable import MedullaLabels

private enum SharedCaptures {
  /// Where the captures are; nil: this checkout has none beside it.
  static let folder: String? = {
    let path = LabelCase.root.appendingPathComponent("../shared/data/captures").standardizedFileURL.path
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }()
}

/// Real captures against what nDPI's own reader, of October 2024, has found in them.
///
/// It knows protocols that 4.2 does not, and calls some of both by other names: compared are flows that it
/// knows by their payloads, by a protocol of a name that 4.2 has too.
@Suite(
  "nDPI on real captures",
  .enabled(if: SharedCaptures.folder != nil && NDPICase.isThere, "no ../shared/data, or no nDPI 4.2"))
struct NDPICapturesTests {
  /// What must be the same of flows that both tell, and how many of the compared must be told here. Of the
  /// captures of October 2024 2,443 flows are compared, 1,987 told, 1,974 of them alike, 1,835 in their
  /// category too.
  private static let agreementBound = 0.97
  private static let coverageBound = 0.75

  private struct Tally {
    var compared = 0
    var told = 0
    var same = 0
    var sameCategory = 0
  }

  @Test("flows have the protocol that the other reader has found, or that which carries it")
  func agree() throws {
    let folder = try CaptureFolder(try #require(SharedCaptures.folder))
    let names = try NDPIModule(NDPILibrary())
    var tally = Tally()
    for name in folder.names { try compare(folder, name, names, &tally) }
    print("nDPI: \(tally)")
    #expect(tally.compared > 1_000)
    #expect(Double(tally.told) >= Self.coverageBound * Double(tally.compared))
    #expect(Double(tally.same) >= Self.agreementBound * Double(tally.told))
  }

  private func compare(_ folder: CaptureFolder, _ name: String, _ names: NDPIModule, _ tally: inout Tally)
    throws
  {
    guard let capture = try? CaptureFile(folder.capture(name)) else { return }
    let flows = try NDPICase.flows(InspectionLimits(idle: .seconds(86_400)))
    var meter = FlowMeter(idle: .seconds(30 * 86_400))
    while let frame = try? capture.next() {
      flows.take(frame, of: capture.link)
      _ = try meter.take(frame, of: capture.link)
    }
    let own = Dictionary(grouping: meter.flows, by: ReferenceFlow.Key.init)
    for reference in try ReferenceFlow.read(folder.results(name)) {
      guard let flow = own[reference.key]?.last, reference.line.contains("[Confidence: DPI]"),
        let match = reference.line.firstMatch(of: #/\[proto: [0-9.]+\/([^\]]+)\]/#)
      else { continue }
      let parts = match.1.split(separator: ".").map(String.init)
      guard parts.allSatisfy({ names.find(protocol: $0) != nil }) else { continue }
      let ends = FlowEndpoints(
        source: flow.sourceBytes, destination: flow.destinationBytes, sourcePort: flow.sourcePort,
        destinationPort: flow.destinationPort, transport: flow.transport)
      tally.compared += 1
      let finding = flows.finding(of: ends, settles: true)?.finding ?? .nothing
      tally.told += finding.isKnown ? 1 : 0
      let isSame = parts.contains { $0 == finding.application || $0 == finding.carrier }
      tally.same += isSame ? 1 : 0
      tally.sameCategory += finding.isKnown && reference.category == finding.category ? 1 : 0
    }
  }
}
