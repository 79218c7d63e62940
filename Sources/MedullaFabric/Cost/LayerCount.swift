/// What a layer of a network is in the paper's Table 1.
package struct LayerCount: Sendable, Equatable {
  package let name: String
  /// Weights and biases.
  package let parameters: Int
  /// Multiplications and additions: two for each multiply-accumulate.
  package let operations: Int
  /// A byte for each parameter and each output (of a convolution, after pooling).
  package let memoryBytes: Int

  package init(_ stage: Stage) {
    name = stage.name
    parameters = stage.parameters
    operations = 2 * stage.operations
    memoryBytes = parameters + stage.outputs
  }

  private init(_ name: String, _ parameters: Int, _ operations: Int, _ memoryBytes: Int) {
    (self.name, self.parameters, self.operations, self.memoryBytes) =
      (name, parameters, operations, memoryBytes)
  }

  /// As the paper prints it, slips included: of K terms in a sum and N sums it counts 2KN operations for
  /// conv1, N(2K − 1) for conv2 and conv3, and 2KN − 1 for dense layers; conv3's parameters are three too
  /// many, and its memory with them; conv2's memory, printed 117.696, is 117,696.
  package static let printed = [
    LayerCount("conv1", 1_792, 3_110_400, 16_192),
    LayerCount("conv2", 110_784, 37_347_648, 117_696),
    LayerCount("conv3", 663_939, 21_227_520, 665_475),
    LayerCount("dense1", 6_295_552, 12_582_911, 6_299_648),
    LayerCount("dense2", 8_390_656, 16_777_215, 8_392_704),
    LayerCount("dense3", 20_490, 40_959, 20_500),
  ]

  /// Packets of 64 activations that a layer's inputs are (conv1's: a row of the image each), which is what
  /// can be recirculated at once.
  package static let packets: [String: Double] = [
    "conv1": 32, "conv2": 225, "conv3": 108, "dense1": 24, "dense2": 64, "dense3": 32,
  ]
}
