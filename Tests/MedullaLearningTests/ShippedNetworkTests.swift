import Foundation
import MedullaLearning
import MedullaModel
import Testing

@Suite("The shipped congestion network")
struct ShippedNetworkTests {
  static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../models/aurora-medulla.onnx").standardizedFileURL.path

  static func policy() throws -> AuroraEvaluation.Policy {
    let network = try ONNXReader.read(contentsOf: path)
    #expect(network.inputName == "observation")
    #expect(network.outputName == "action")
    #expect(network.inputShape.dimensions == [30])
    return AuroraEvaluation.policy(network)
  }

  @Test("fills each path of the acceptance matrix with a short queue, with random loss too")
  func paths() throws {
    let cases = AuroraEvaluation.Case.standard().filter { $0.link.flows.count == 1 }
    for row in try AuroraEvaluation.run(cases, policy: Self.policy()) {
      #expect(row.utilisation > 0.95, "\(row.name)")
      #expect(row.queueRoundTrips < 0.25, "\(row.name)")
      #expect(row.dropped < 0.001, "\(row.name)")
      #expect(row.guardEvents == 0, "\(row.name)")
    }
  }

  @Test("lets late flows have their share")
  func fairness() throws {
    // Four flows on 12 Mb/s, 10 ms have 2.5 packets each: no window rule shares that evenly.
    let cases = AuroraEvaluation.Case.standard().filter { item in
      item.link.flows.count > 1 && !(item.link.flows.count == 4 && item.link.bufferBytes < 20_000)
    }
    for row in try AuroraEvaluation.run(cases, policy: Self.policy()) {
      #expect(row.jain > 0.92, "\(row.name)")
      #expect(row.utilisation > 0.95, "\(row.name)")
    }
  }

  @Test("does as well when it decides on every acknowledgement", arguments: [0, 128] as [UInt32])
  func intervals(fraction: UInt32) throws {
    var configuration = AuroraEvaluation.configuration()
    configuration.interval_fraction_q8 = fraction
    let cases = [(12e6, 0.01), (48e6, 0.04), (100e6, 0.1)].map { AuroraEvaluation.Case.make($0.0, $0.1) }
    for row in try AuroraEvaluation.run(cases, configuration: configuration, policy: Self.policy()) {
      #expect(row.utilisation > 0.95, "\(row.name)")
      #expect(row.queueRoundTrips < 0.3, "\(row.name)")
    }
  }

  @Test("fills paths that hold few packets or whose round trip is shorter than a burst")
  func smallPaths() throws {
    let cases = [(1e6, 0.02), (2e6, 0.02), (5e6, 0.005), (200e6, 0.0002), (1e9, 0.001), (1e10, 0.0001)].map {
      AuroraEvaluation.Case.make($0.0, $0.1, buffer: max(4, 60 / ($0.0 * $0.1 / 12000)))
    }
    for row in try AuroraEvaluation.run(cases, policy: Self.policy()) {
      #expect(row.utilisation > 0.85, "\(row.name)")
      #expect(row.dropped < 0.01, "\(row.name)")
    }
  }

  @Test("finds the capacity again after it has changed")
  func changes() throws {
    var item = AuroraEvaluation.Case.make(48e6, 0.04)
    item.link.changes = [.init(time: 8, rate: 16e6), .init(time: 16, rate: 48e6)]
    item.warmUp = 20
    item.measured = 10
    let row = try AuroraEvaluation.run([item], policy: Self.policy())[0]
    #expect(row.utilisation > 0.95)
    #expect(row.queueRoundTrips < 0.3)
  }
}

@Suite("The shipped network with a verdict on rivals")
struct ShippedVerdictTests {
  static func network(_ name: String) throws -> Network {
    try ONNXReader.read(
      contentsOf: URL(fileURLWithPath: ShippedNetworkTests.path).deletingLastPathComponent()
        .appendingPathComponent(name).path)
  }

  @Test("its actions are the earlier network's")
  func actions() throws {
    let network = try Self.network("congestion-medulla.onnx")
    #expect(network.inputShape.dimensions == [50] && network.outputShape.dimensions == [2])
    let (policy, earlier) = (AuroraEvaluation.policy(network), try ShippedNetworkTests.policy())
    for turn in 0..<50 {
      let features = (0..<50).map { Int64(65536 * (0.5 + Double(($0 * 7 + turn * 3) % 11) / 10)) }
      #expect(abs(policy(features).action - earlier(features).action) < 655, "a hundredth of a unit")
    }
  }

  @Test("alone it has no rival, with random loss neither")
  func alone() throws {
    let policy = AuroraEvaluation.policy(try Self.network("congestion-medulla.onnx"))
    let cases = AuroraEvaluation.Case.standard().filter { $0.link.flows.count == 1 }
    for row in try AuroraEvaluation.run(cases, policy: policy) {
      #expect(row.utilisation > 0.95 && row.queueRoundTrips < 0.25, "\(row.name)")
    }
  }

  @Test("beside CUBIC it keeps its part on most paths, takes too much on none, and the queue goes after it")
  func besideCubic() throws {
    let policy = AuroraEvaluation.policy(try Self.network("congestion-medulla.onnx"))
    let cells = RivalEvaluation.cells(rival: .cubic, rateLimit: 48e6).filter {
      $0.roundTrip <= 0.04 && $0.buffer <= 4
    }
    let rows = try RivalEvaluation().run(cells, policy: policy)
    #expect(rows.count == 24)
    #expect(rows.count { $0.ratio >= 0.7 } >= 19, "of CUBIC's in its place")
    #expect(rows.allSatisfy { $0.ownShare <= 1.5 && $0.rivalShare >= 0.5 })
    #expect(rows.count { ($0.smallAfter ?? 60) <= 5 } >= 22)
    // Without a verdict, hardly any: what keeps the part is the network.
    let without = try RivalEvaluation().run(cells, policy: ShippedNetworkTests.policy())
    #expect(without.count { $0.ratio >= 0.7 } <= 10)
  }
}
