import Foundation
import InferenceCases
import MedullaBase
import MedullaFabric
import MedullaSnapshot
import Testing

@Suite("bench", .serialized)
struct BenchTmpTests {
  @Test("bench alex")
  func alex() throws {
    var random = SeededGenerator(seed: 5)
    let network = try ImageNetwork.miniAlexNet.network(using: &random)
    let samples = ImageNetwork.images(64, using: &random)
    let snapshot = try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(
      network, Calibration(samples: samples))
    let inputs = samples.map { snapshot.shape.fixedPoint($0) }
    let stages = try Stage.all(of: snapshot.shape)
    let lowering = try StageLowering(
      snapshot, stages, parts: stages.map { [0..<$0.channels] }, cells: CellFormat())
    for s in stages.indices {
      let t = try lowering.task(stage: s, part: 0)
      print(stages[s].name, "lanes", t.task.lanes, "flush", t.task.flush, "cells", t.task.cells, "run", t.task.run_terms, "weights", t.weights.count * 8)
    }
    let local = try LocalFabric(lowering)
    let clock = ContinuousClock()
    var times: [Duration] = []
    for _ in 0..<100 { let t = clock.now; _ = try local.run(features: inputs[0]); times.append(clock.now - t) }
    print("native", times.sorted()[50], times.min()!)
    let processors = Int(ProcessInfo.processInfo.environment["PROCS"] ?? "1")!
    let fabric = try TestFabric(snapshot, on: .spineLeaf(leaves: 8, spines: 4, processors: processors))
    let client = try FabricClient(fabric.names)
    let expected = inputs.prefix(4).map { ReferenceInterpreter(snapshot).run(features: $0) }
    #expect(try client.infer(Array(inputs.prefix(4))).map(\.outputs) == expected)
    for window in [1, 2, 4, 8] {
      let all = Array((0..<Int(ProcessInfo.processInfo.environment["REPS"] ?? "5")!).flatMap { _ in inputs })
      let t = clock.now
      let r = try client.infer(all, window: window)
      let d = clock.now - t
      let s = r.map(\.time).sorted()
      print("window", window, "p50", s[s.count / 2], "p99", s[s.count * 99 / 100], "per second", Double(all.count) / (d / .seconds(1)), "asked", client.counts.asked)
    }
    print(try FabricStatus(fabric.names).text)
  }

  @Test("bench small")
  func small() throws {
    for (name, widths) in [("16-8-4-2", [16, 8, 4, 2]), ("1024-512-16", [1024, 512, 16])] {
      var random = SeededGenerator(seed: 5)
      let network = try SizeNet.network(widths, &random)
      let samples = (0..<64).map { _ in (0..<widths[0]).map { _ in Float(random.unit()) } }
      let snapshot = try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(network, Calibration(samples: samples))
      let fabric = try TestFabric(snapshot, on: .spineLeaf(leaves: 3, spines: 1, processors: 1), constraints: {
        var c = PlacementConstraints(); c.mostStages = 1; return c }())
      let client = try FabricClient(fabric.names)
      let inputs = samples.map { snapshot.shape.fixedPoint($0) }
      for window in [1, 4, 8] {
        let all = Array((0..<200).flatMap { _ in inputs })
        let t = ContinuousClock().now
        let r = try client.infer(all, window: window)
        let d = ContinuousClock().now - t
        let s = r.map(\.time).sorted()
        print(name, "window", window, "p50", s[s.count / 2], "p99", s[s.count * 99 / 100], "per second", Double(all.count) / (d / .seconds(1)), "asked", client.counts.asked)
      }
    }
  }
}
import MedullaModel
enum SizeNet {
  static func network(_ widths: [Int], _ random: inout SeededGenerator) throws -> Network {
    var layers: [Layer] = []
    for i in 0..<widths.count - 1 {
      layers.append(.dense(ImageNetwork.dense(widths[i], widths[i + 1], using: &random)))
      if i < widths.count - 2 { layers.append(.activation(.relu)) }
    }
    return try Network(name: "mlp", inputShape: TensorShape([widths[0]]), layers: layers)
  }
}
