import Foundation
import TestbedCases
import Testing

@testable import TestbedLargeScale
@testable import TestbedLink
@testable import TestbedMeasures
@testable import TestbedWorkload

@Suite("Large scale: flows of a fabric")
struct LargeScaleWorkloadTests {
  @Test("quantiles are linear between the points, and no flow is smaller than the least")
  func quantiles() throws {
    let sizes = try LargeScaleCases.sizes()
    #expect(sizes.quantile(0) == FabricSizeDistribution.leastBytes)
    #expect(sizes.quantile(0.15) == 4_000)
    #expect(abs(sizes.quantile(0.7) - 280_000) <= 1)
    #expect(sizes.quantile(1) == 4_000_000)
    #expect(sizes.quantile(7) == 4_000_000)
    #expect(abs(sizes.mean - (0.3 * 4_000 + 0.3 * 34_000 + 0.2 * 280_000 + 0.2 * 2_250_000)) < 1e-6)
  }

  @Test(
    "a distribution that is none is refused, with what is wanted",
    arguments: [
      #"{"name":"x","cdf":[[0,0]]}"#, #"{"name":"x","cdf":[[0,0],[5,0.5]]}"#,
      #"{"name":"x","cdf":[[0,0],[5,0.9],[4,1]]}"#, #"{"name":"x","cdf":[[0,0],[5,0.9],[9,0.4],[10,1]]}"#,
      #"{"name":"x","cdf":[[0,0],[1e300,1]]}"#, #"{"name":"x","cdf":[[0,0,1],[5,1,1]]}"#, "[]", "",
    ])
  func refusals(text: String) throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("sizes-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    try text.write(to: file, atomically: true, encoding: .utf8)
    let error = #expect(throws: TestbedError.self) { try FabricSizeDistribution(contentsOf: file.path) }
    #expect(error?.remedy.contains("Give") == true)
  }

  @Test("one seed gives the same flows, another seed others")
  func seeds() throws {
    let sizes = try LargeScaleCases.sizes()
    let flows = try LargeScaleCases.workload().draw(sizes)
    #expect(try LargeScaleCases.workload().draw(sizes) == flows)
    #expect(try LargeScaleCases.workload(seed: 2).draw(sizes) != flows)
  }

  @Test("arrivals are open-loop at the offered load, and the sizes are the distribution's")
  func load() throws {
    let sizes = try LargeScaleCases.sizes()
    let workload = LargeScaleCases.workload(flows: 5_000)
    let flows = try workload.draw(sizes)
    #expect(zip(flows, flows.dropFirst()).allSatisfy { $0.startNanoseconds <= $1.startNanoseconds })
    #expect(flows.allSatisfy { $0.source != $0.destination && $0.destination < workload.hosts })
    let bytes = flows.reduce(0) { $0 + $1.bytes }
    #expect(abs(Double(bytes) / Double(flows.count) / sizes.mean - 1) < 0.01)
    let seconds = Double(flows[flows.count - 1].startNanoseconds) / 1e9
    let offered = Double(bytes) * 8 / seconds / (workload.hostGbps * 1e9 * Double(workload.hosts))
    #expect(abs(offered - workload.load) < 0.05, "offered \(offered), seed \(workload.seed)")
    // Exponential gaps: their deviation is their mean.
    let gaps = zip(flows, flows.dropFirst()).map { Double($1.startNanoseconds - $0.startNanoseconds) }
    #expect(abs(Statistics.deviation(gaps) / Statistics.mean(gaps) - 1) < 0.1)
    let short = Double(flows.filter { $0.bytes <= 8_000 }.count) / Double(flows.count)
    #expect(abs(short - 0.3) < 0.01)
  }

  @Test("a sender's features tell nothing of what it has not seen: a flow's size changes later features only")
  func features() throws {
    var flows = try LargeScaleCases.workload().draw(LargeScaleCases.sizes())
    let before = FlowSizeFeatures.atStart(of: flows)
    let changed = try #require(flows.firstIndex { $0.bytes > 100_000 })
    flows[changed].bytes *= 2
    let after = FlowSizeFeatures.atStart(of: flows)
    #expect(Array(before[...changed]) == Array(after[...changed]))
    #expect(before != after)
    #expect(flows.allSatisfy { $0.firstWriteBytes <= 16_384 && $0.firstWriteBytes <= $0.bytes })
    #expect(before.allSatisfy { $0.count == FlowSizeFeatures.inputs.count - 1 && $0.allSatisfy(\.isFinite) })
  }

  @Test("flows between the same two hosts are remembered, as far as they can have been sent by then")
  func pairs() {
    func flow(_ start: Int, _ source: Int, _ destination: Int) -> FabricFlow {
      FabricFlow(
        startNanoseconds: start, source: source, destination: destination, bytes: 1 << 30, application: 0,
        firstWriteBytes: 4096)
    }
    let features = FlowSizeFeatures.atStart(of: [
      flow(0, 0, 1), flow(1_000, 0, 2), flow(1_023_000, 0, 1), flow(2_046_000, 1, 0),
    ])
    // A network's 10 Gbit/s for 1,023 µs; no flow before that one.
    #expect(abs(exp2(Double(features[2][0])) / 1_278_751 - 1) < 0.1)
    #expect(features[0] == [0, 0, 0, 0] && features[1] == features[0])
    #expect(features[2][1] == 10 && features[2][2] == 0)
    // The other end has seen acknowledgements only.
    #expect(features[3][1] == 10 && features[3][0] == features[2][0] && features[3][2] > 20)
    #expect(FlowSizeFeatures.payload(flow(0, 0, 1), sent: 0) == 12 + 1.0 / 4096)
    #expect(FlowSizeFeatures.payload(flow(0, 0, 1), sent: 65_535) == 16)
  }

  @Test("flows that cross leaves end at any host beyond their own leaf, and at no other")
  func crossing() throws {
    var workload = LargeScaleCases.workload(flows: 2_000)
    workload.crossedLeaves = 2
    let flows = try workload.draw(LargeScaleCases.sizes())
    #expect(flows.allSatisfy { $0.source / 4 != $0.destination / 4 })
    for source in 0..<8 {
      #expect(Set(flows.filter { $0.source == source }.map(\.destination)).count == 4)
    }
    workload.crossedLeaves = 3
    #expect(throws: TestbedError.self) { try workload.validate() }
  }

  @Test("bands begin at their bounds, in bytes and in the network's fixed point")
  func bands() {
    let bands = FlowBands()
    #expect([1, 9_999, 10_000, 999_999, 1_000_000].map(bands.band(ofBytes:)) == [0, 0, 1, 2, 3])
    let outputs = bands.outputs(fractionBits: 16)
    #expect(outputs.map { bands.band(ofOutput: $0, fractionBits: 16) } == [1, 2, 3])
    #expect(outputs.map { bands.band(ofOutput: $0 - 1, fractionBits: 16) } == [0, 1, 2])
  }
}
