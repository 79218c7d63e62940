import MedullaBase
import MedullaModel

/// Networks of random sizes and parameters, one family for each kind of layer.
package enum NetworkCases {
  package static let families: [(name: String, make: @Sendable (inout SeededGenerator) throws -> Network)] = [
    ("dense", dense), ("activations", activations), ("softmax", softmax), ("argmax", argmax),
    ("convolution", convolution), ("grouped", grouped), ("maxpool", { try pool(.max, &$0) }),
    ("averagepool", { try pool(.average(countsPadding: false), &$0) }),
    ("averagepoolpadded", { try pool(.average(countsPadding: true), &$0) }),
    ("rearrange", rearrange), ("classifier", classifier),
  ]

  package static func layer(_ inputs: Int, _ outputs: Int, _ random: inout SeededGenerator) -> Layer {
    let scale = 1 / Float(inputs).squareRoot()
    let weights = random.floats(inputs * outputs, in: -scale...scale)
    return .dense(Dense(inputs: inputs, outputs: outputs, weights: weights, bias: random.floats(outputs)))
  }

  package static func dense(_ random: inout SeededGenerator) throws -> Network {
    let inputs = random.integer(1...300)
    let (hidden, outputs) = (random.integer(1...40), random.integer(1...9))
    return try Network(
      name: "dense", inputShape: TensorShape([inputs]),
      layers: [layer(inputs, hidden, &random), layer(hidden, outputs, &random)])
  }

  package static func activations(_ random: inout SeededGenerator) throws -> Network {
    let all: [Activation] = [
      .relu, .leakyRelu(slope: Float.random(in: 0...0.5, using: &random)),
      .clip(
        minimum: Float.random(in: -2...0, using: &random), maximum: Float.random(in: 0...2, using: &random)),
      .tanh, .sigmoid,
      .hardSigmoid(alpha: Float.random(in: 0.1...0.5, using: &random), beta: 0.5),
    ]
    let width = random.integer(1...30)
    var layers: [Layer] = []
    for activation in all.shuffled(using: &random) {
      layers += [.activation(activation), layer(width, width, &random)]
    }
    return try Network(name: "activations", inputShape: TensorShape([width]), layers: layers)
  }

  package static func softmax(_ random: inout SeededGenerator) throws -> Network {
    let sizes = (0..<random.integer(1...3)).map { _ in random.integer(1...7) }
    return try Network(name: "softmax", inputShape: TensorShape(sizes), layers: [.softmax])
  }

  package static func argmax(_ random: inout SeededGenerator) throws -> Network {
    let (inputs, outputs) = (random.integer(1...20), random.integer(1...10))
    return try Network(
      name: "argmax", inputShape: TensorShape([inputs]), layers: [layer(inputs, outputs, &random), .argmax])
  }

  package static func convolution(_ random: inout SeededGenerator) throws -> Network {
    try convolution(groups: 1, &random)
  }

  package static func grouped(_ random: inout SeededGenerator) throws -> Network {
    try convolution(groups: random.integer(2...3), &random)
  }

  private static func convolution(groups: Int, _ random: inout SeededGenerator) throws -> Network {
    let kernel = Extent(height: random.integer(1...4), width: random.integer(1...4))
    let (channels, filters) = (groups * random.integer(1...3), groups * random.integer(1...3))
    let convolution = Convolution(
      inputChannels: channels, outputChannels: filters, kernel: kernel,
      strides: Extent(height: random.integer(1...3), width: random.integer(1...3)),
      dilations: Extent(height: random.integer(1...2), width: random.integer(1...2)),
      padding: Padding(
        top: random.integer(0...2), left: random.integer(0...2), bottom: random.integer(0...2),
        right: random.integer(0...2)),
      groups: groups,
      weights: random.floats(filters * channels / groups * kernel.height * kernel.width),
      bias: random.floats(filters))
    let shape = TensorShape([channels, random.integer(7...12), random.integer(7...12)])
    return try Network(
      name: "convolution", inputShape: shape, layers: [.convolution(convolution), .activation(.relu)])
  }

  package static func pool(_ kind: Pool.Kind, _ random: inout SeededGenerator) throws -> Network {
    let kernel = Extent(height: random.integer(1...4), width: random.integer(1...4))
    let pool = Pool(
      kind: kind, kernel: kernel,
      strides: Extent(height: random.integer(1...3), width: random.integer(1...3)),
      padding: Padding(
        top: random.integer(0...kernel.height - 1), left: random.integer(0...kernel.width - 1),
        bottom: random.integer(0...kernel.height - 1), right: random.integer(0...kernel.width - 1)))
    let shape = TensorShape([random.integer(1...3), random.integer(5...9), random.integer(5...9)])
    return try Network(name: "pool", inputShape: shape, layers: [.pool(pool)])
  }

  package static func rearrange(_ random: inout SeededGenerator) throws -> Network {
    let sizes = (0..<random.integer(1...3)).map { _ in random.integer(1...5) }
    let shape = TensorShape(sizes)
    let target = TensorShape((0..<random.integer(1...3)).map { _ in random.integer(1...4) })
    let indices = (0..<target.count).map { _ in random.integer(0...shape.count - 1) }
    return try Network(
      name: "rearrange", inputShape: shape,
      layers: [.rearrange(Rearrangement(indices: indices, shape: target)), .activation(.tanh)])
  }

  /// Convolution, pool, flatten, dense, softmax: the shape of a small image classifier.
  package static func classifier(_ random: inout SeededGenerator) throws -> Network {
    let convolution = Convolution(
      inputChannels: 2, outputChannels: 4, kernel: Extent(height: 3, width: 3),
      padding: Padding(top: 1, left: 1, bottom: 1, right: 1), weights: random.floats(72),
      bias: random.floats(4))
    let flat = 4 * 4 * 4
    let shape = TensorShape([flat])
    return try Network(
      name: "classifier", inputShape: TensorShape([2, 8, 8]),
      layers: [
        .convolution(convolution), .activation(.relu),
        .pool(Pool(kind: .max, kernel: Extent(height: 2, width: 2), strides: Extent(height: 2, width: 2))),
        .rearrange(Rearrangement(indices: Array(0..<flat), shape: shape)), layer(flat, 5, &random), .softmax,
      ])
  }
}
