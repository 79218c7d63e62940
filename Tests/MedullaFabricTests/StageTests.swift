import MedullaFabric
import MedullaModel
import MedullaSnapshot
import Testing

@Suite("Layers that are placed")
struct StageTests {
  @Test("mini-AlexNet has six layers, with the operations that its definition gives")
  func miniAlexNet() throws {
    let stages = try Stage.all(of: Shapes.miniAlexNet)
    #expect(stages.map(\.name) == ["conv1", "conv2", "conv3", "dense1", "dense2", "dense3"])
    #expect(
      stages.map(\.operations) == [1_555_200, 18_690_048, 10_616_832, 6_291_456, 8_388_608, 20_480])
    #expect(stages.map(\.channels) == [64, 192, 384, 4_096, 2_048, 10])
    #expect(stages.map(\.inputs) == [3_072, 14_400, 6_912, 1_536, 4_096, 2_048])
    #expect(stages.map(\.outputs) == [14_400, 6_912, 1_536, 4_096, 2_048, 1])
    // Pooling goes with its convolution; argmax mixes all classes.
    #expect(stages.map(\.steps) == [0...1, 2...3, 4...5, 6...6, 7...7, 8...9])
    #expect(stages.map(\.isDivisible) == [true, true, true, true, true, false])
  }

  @Test("padding and a choice of elements go where they are used, also before the first layer")
  func moves() throws {
    let pad = PadStep(
      channels: 1, height: 4, width: 4, padding: Padding(top: 1, left: 1, bottom: 1, right: 1))
    let gather = GatherStep(inputs: 32, indices: Array((0..<32).reversed()))
    let stages = try Stage.all(
      of: Shapes.shape(
        16,
        [
          .pad(pad), Shapes.convolution(1, 6, 2), .gather(gather), Shapes.dense(32, 3, isLast: true),
        ]))
    #expect(stages.map(\.steps) == [0...1, 2...3])
    #expect(stages.map(\.inputs) == [16, 32] && stages.map(\.isDivisible) == [true, true])
  }

  @Test("a network in which nothing sums is refused")
  func nothing() {
    let error = #expect(throws: FabricError.self) {
      try Stage.all(of: Shapes.shape(4, [.argmax(ArgmaxStep(inputs: 4, unit: 1))]))
    }
    #expect(error?.code == .badNetwork && error?.remedy.isEmpty == false)
  }
}
