import InferenceCases
import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot
import Testing

@Suite("Layers by shifts, additions and passes", .serialized)
struct FaithfulTests {
  private static let seed: UInt64 = 88

  /// 16-8-4-2 with ReLU.
  private static func dense() throws -> (snapshot: Snapshot, inputs: [[Int64]]) {
    var random = SeededGenerator(seed: seed)
    let sizes = [16, 8, 4, 2]
    var layers: [Layer] = []
    for (inputs, outputs) in zip(sizes, sizes.dropFirst()) {
      if !layers.isEmpty { layers.append(.activation(.relu)) }
      func draw(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.unit() * 2 - 1) } }
      layers.append(
        .dense(Dense(inputs: inputs, outputs: outputs, weights: draw(inputs * outputs), bias: draw(outputs))))
    }
    let network = try Network(name: "detector", inputShape: TensorShape([16]), layers: layers)
    let samples = (0..<50).map { _ in (0..<16).map { _ in Float(random.unit() * 2 - 1) } }
    let snapshot = try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(
      network, Calibration(samples: samples))
    return (snapshot, samples.map { snapshot.shape.fixedPoint($0) })
  }

  @Test("a convolution has no such form, and the plan says so")
  func refused() throws {
    var random = SeededGenerator(seed: Self.seed)
    let network = try ImageNetwork.small.network(using: &random)
    let snapshot = try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(
      network, Calibration(samples: ImageNetwork.images(4, using: &random)))
    let topology = FabricTopology.spineLeaf(leaves: 4, spines: 2, processors: 1)
    let placer = try Placer(snapshot.shape)
    let placement = try placer.place(on: topology)
    let refusal = #expect(throws: FabricError.self) {
      try FabricPlan(snapshot, digest: "", placer.stages, placement, on: topology, mode: .faithful)
    }
    #expect(refusal?.code == .badNetwork && refusal?.message.contains("conv1") == true)
  }

  @Test(
    "in the kernel cells go round as often as their products need, and answers are right",
    .enabled(if: TestFabric.isUsable, TestFabric.reason))
  func kernel() throws {
    let (snapshot, inputs) = try Self.dense()
    var constraints = PlacementConstraints()
    constraints.mostStages = 1
    let fabric = try TestFabric(
      snapshot, on: .spineLeaf(leaves: 3, spines: 1, processors: 1), constraints: constraints,
      mode: .faithful)
    let client = try FabricClient(fabric.names)
    let reference = ReferenceInterpreter(snapshot)
    let expected = inputs.map { reference.run(features: $0) }
    #expect(try client.infer(inputs, window: 4).map(\.outputs) == expected)
    // 16 · 8, 8 · 4 and 4 · 2 products, sixteen in a pass: eight, two and one.
    let status = try FabricStatus(fabric.names)
    let rounds = status.switches.filter { !$0.stages.isEmpty }.map { ($0.stages[0].layer, $0.own) }
    #expect(
      Dictionary(uniqueKeysWithValues: rounds) == [
        "dense1": UInt64(7 * inputs.count), "dense2": UInt64(inputs.count), "dense3": 0,
      ])
    client.disturbance = { frames in frames += frames }
    #expect(try client.infer(inputs, window: 4).map(\.outputs) == expected)
    fabric.running.lose(millionths: 50_000)
    #expect(try client.infer(inputs + inputs, window: 4).map(\.outputs) == expected + expected)
  }
}
