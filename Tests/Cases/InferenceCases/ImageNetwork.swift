import MedullaBase
import MedullaModel

/// A convolutional network over 32×32 images of three colours, with mini-AlexNet's layers: three 3×3
/// convolutions without padding, each with ReLU and 2×2 max-pool (32 → 30 → 15 → 13 → 6 → 4 → 2), then three
/// dense layers.
package struct ImageNetwork: Sendable {
  /// Filters of the convolutions, in order.
  package let filters: [Int]
  /// Neurons of the dense layers, in order; the last are the classes.
  package let neurons: [Int]

  /// 15,483,210 parameters and 45,562,624 multiply-accumulates.
  package static let miniAlexNet = ImageNetwork(filters: [64, 192, 384], neurons: [4096, 2048, 10])
  /// The same layers, small enough for every test run.
  package static let small = ImageNetwork(filters: [4, 6, 8], neurons: [48, 24, 10])

  package static let inputShape = TensorShape([3, 32, 32])

  /// The network with weights drawn at random, scaled so that activations keep their size.
  package func network(using generator: inout SeededGenerator) throws -> Network {
    var layers: [Layer] = []
    var channels = Self.inputShape.dimensions[0]
    for count in filters {
      let terms = channels * 9
      layers.append(
        .convolution(
          Convolution(
            inputChannels: channels, outputChannels: count, kernel: Extent(height: 3, width: 3),
            weights: Self.draw(count * terms, terms: terms, &generator),
            bias: Self.draw(count, terms: 600, &generator))))
      layers.append(.activation(.relu))
      layers.append(
        .pool(Pool(kind: .max, kernel: Extent(height: 2, width: 2), strides: Extent(height: 2, width: 2))))
      channels = count
    }
    var inputs = channels * 4
    layers.append(.rearrange(Rearrangement(indices: Array(0..<inputs), shape: TensorShape([inputs]))))
    for (index, outputs) in neurons.enumerated() {
      layers.append(.dense(Self.dense(inputs, outputs, using: &generator)))
      if index < neurons.count - 1 { layers.append(.activation(.relu)) }
      inputs = outputs
    }
    return try Network(name: "mini-alexnet", inputShape: Self.inputShape, layers: layers)
  }

  /// A dense layer with weights drawn at random.
  package static func dense(_ inputs: Int, _ outputs: Int, using generator: inout SeededGenerator) -> Dense {
    Dense(
      inputs: inputs, outputs: outputs, weights: draw(inputs * outputs, terms: inputs, &generator),
      bias: draw(outputs, terms: 600, &generator))
  }

  /// Images of a few waves in each colour and a little noise, in 0…1.
  package static func images(_ count: Int, using generator: inout SeededGenerator) -> [[Float]] {
    (0..<count).map { _ in
      var image: [Float] = []
      for _ in 0..<inputShape.dimensions[0] {
        let (across, down) = (generator.uniform(-0.6...0.6), generator.uniform(-0.6...0.6))
        let (phase, level) = (generator.uniform(0...6.28), generator.uniform(0.2...0.8))
        for y in 0..<32 {
          for x in 0..<32 {
            let turn = (across * Double(x) + down * Double(y) + phase) / 6.28
            // A triangle wave: no call into the mathematics library for a million pixels.
            let wave = abs((turn - turn.rounded(.down)) * 2 - 1)
            image.append(Float(min(max(level * wave + 0.1 * generator.unit(), 0), 1)))
          }
        }
      }
      return image
    }
  }

  /// He's scale for ReLU: a variance of 2 / terms.
  private static func draw(_ count: Int, terms: Int, _ generator: inout SeededGenerator) -> [Float] {
    let reach = (6 / Double(terms)).squareRoot()
    return (0..<count).map { _ in Float((generator.unit() * 2 - 1) * reach) }
  }
}
