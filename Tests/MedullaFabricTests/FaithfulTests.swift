import InferenceCases
import MedullaBase
import MedullaFabric
import MedullaSnapshot
import Testing

@Suite("Layers by shifts, additions and passes", .serialized)
struct FaithfulTests {
  private static let seed: UInt64 = 88

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
    let (snapshot, inputs) = try DenseNetwork.quantized([16, 8, 4, 2], seed: Self.seed)
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
