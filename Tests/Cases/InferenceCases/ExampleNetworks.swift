import MedullaBase
import MedullaModel
import MedullaSnapshot

/// Networks that together use every layer, activation, packing and loop of the integer program.
enum ExampleNetworks {
  typealias Example = (network: Network, schemes: [QuantizationScheme])

  static func all(using generator: inout SeededGenerator) throws -> [Example] {
    try dense(&generator) + activations(&generator) + planes(&generator) + ends(&generator)
  }

  /// Of 10-bit activations there are cases of their own, behind the others.
  static let every: [QuantizationScheme] = [.w8a8, .w8a16, .w16a16]

  private static func dense(_ generator: inout SeededGenerator) throws -> [Example] {
    [
      (try chain("aurora", [30, 32, 16, 1], [.tanh, .tanh, nil], &generator), every),
      (try chain("odd widths", [7, 5, 3], [.relu, nil], &generator), every),
      (try chain("eleven wide", [3, 11, 9, 2], [.sigmoid, .relu, nil], &generator), every),
      (try chain("fan-in 1", [1, 1], [nil], &generator), every),
      (try chain("fan-in 1, then 5", [1, 5, 1], [.tanh, nil], &generator), every),
      (try chain("fan-in 65", [65, 4], [.relu], &generator), every),
      (try chain("fan-in 1024", [1024, 9, 2], [.relu, nil], &generator), [.w8a16, .w8a8]),
      (try chain("fan-in 1024 wide", [1024, 64], [nil], &generator), [.w8a16]),
      (try chain("largest dense", [64, 64, 32, 8], [.relu, .relu, nil], &generator), [.w8a16]),
    ]
  }

  private static func activations(_ generator: inout SeededGenerator) throws -> [Example] {
    let functions: [(String, Activation)] = [
      ("relu", .relu), ("leakyRelu", .leakyRelu(slope: 0.1)), ("steep leakyRelu", .leakyRelu(slope: -1.5)),
      ("clip", .clip(minimum: -0.3, maximum: 0.7)), ("relu6", .clip(minimum: 0, maximum: 6)),
      ("tanh", .tanh), ("sigmoid", .sigmoid), ("hardSigmoid", .hardSigmoid(alpha: 0.2, beta: 0.5)),
    ]
    var examples: [Example] = []
    for (name, function) in functions {
      let inside = try chain("\(name) inside", [4, 6, 2], [function, nil], &generator)
      let outside = try chain("\(name) at the end", [4, 6, 3], [.relu, function], &generator)
      let alone = try Network(
        name: "\(name) alone", inputShape: TensorShape([5]), layers: [.activation(function)])
      examples += [(inside, every), (outside, every), (alone, [.w8a16])]
    }
    return examples
  }

  private static func planes(_ generator: inout SeededGenerator) throws -> [Example] {
    let square = TensorShape([2, 7, 6])
    let plain = convolution(2, 5, (3, 3), &generator)
    let padded = convolution(
      2, 6, (3, 2), strides: (2, 1), padding: Padding(top: 1, left: 1, bottom: 0, right: 2), &generator)
    let dilated = convolution(2, 3, (2, 2), dilations: (2, 3), &generator)
    let grouped = convolution(
      4, 6, (3, 3), padding: Padding(top: 1, left: 1, bottom: 1, right: 1), groups: 2, &generator)
    let depthwise = convolution(2, 2, (3, 3), groups: 2, &generator)
    let pointwise = convolution(2, 4, (1, 1), &generator)
    let deep = convolution(8, 3, (3, 3), &generator)
    let line = convolution(1, 4, (1, 5), strides: (1, 2), &generator)
    let column = convolution(3, 4, (4, 1), &generator)
    let maximum = Layer.pool(
      Pool(kind: .max, kernel: Extent(height: 2, width: 2), strides: Extent(height: 2, width: 2)))
    let paddedMaximum = Layer.pool(
      Pool(
        kind: .max, kernel: Extent(height: 3, width: 3), strides: Extent(height: 2, width: 2),
        padding: Padding(top: 1, left: 1, bottom: 1, right: 1)))
    func average(_ counts: Bool) -> Layer {
      .pool(
        Pool(
          kind: .average(countsPadding: counts), kernel: Extent(height: 3, width: 2),
          strides: Extent(height: 2, width: 1), padding: Padding(top: 1, left: 1, bottom: 1, right: 0)))
    }
    let relu = Layer.activation(.relu)
    return [
      (try network("convolution", square, [plain, relu]), every),
      (try network("padded convolution", square, [padded, .activation(.tanh)]), every),
      (try network("dilated convolution", square, [dilated]), every),
      (try network("grouped convolution", TensorShape([4, 5, 5]), [grouped, relu]), every),
      (try network("depthwise convolution", square, [depthwise, relu]), [.w8a16]),
      (try network("pointwise convolution", square, [pointwise, .activation(.sigmoid)]), [.w8a16]),
      (try network("deep convolution", TensorShape([8, 5, 4]), [deep, relu]), every),
      (try network("line convolution", TensorShape([1, 1, 24]), [line, relu]), every),
      (try network("column convolution", TensorShape([3, 4, 1]), [column]), [.w8a16]),
      (try network("maximum pool", square, [plain, maximum]), every),
      (try network("padded maximum pool", square, [paddedMaximum]), [.w8a16]),
      (try network("average pool", square, [plain, average(false)]), every),
      (try network("average pool with padding", square, [average(true), relu]), every),
      (try image(&generator), every),
    ]
  }

  /// A small image classifier, from pixels to a class.
  private static func image(_ generator: inout SeededGenerator) throws -> Network {
    let first = convolution(1, 4, (3, 3), padding: Padding(top: 1, left: 1, bottom: 1, right: 1), &generator)
    let second = convolution(4, 6, (3, 3), &generator)
    let pool = Layer.pool(
      Pool(kind: .max, kernel: Extent(height: 2, width: 2), strides: Extent(height: 2, width: 2)))
    let flat = Layer.rearrange(Rearrangement(indices: Array(0..<24), shape: TensorShape([24])))
    return try network(
      "image classifier", TensorShape([1, 8, 8]),
      [
        first, .activation(.relu), pool, second, .activation(.relu), flat, dense(24, 5, &generator), .argmax,
      ])
  }

  private static func ends(_ generator: inout SeededGenerator) throws -> [Example] {
    let shuffled = Layer.rearrange(Rearrangement(indices: [4, 0, 3, 3, 1], shape: TensorShape([5])))
    let transposed = Layer.rearrange(
      Rearrangement(indices: (0..<12).map { $0 % 4 * 3 + $0 / 4 }, shape: TensorShape([3, 4])))
    return [
      (try network("softmax", TensorShape([4]), [dense(4, 5, &generator), .softmax]), every),
      (
        try network(
          "softmax inside", TensorShape([4]), [dense(4, 5, &generator), .softmax, dense(5, 2, &generator)]),
        every
      ),
      (
        try network("softmax of rows", TensorShape([12]), [dense(12, 12, &generator), transposed, .softmax]),
        [.w8a16]
      ),
      (try network("argmax", TensorShape([4]), [dense(4, 7, &generator), .argmax]), every),
      (try network("argmax of features", TensorShape([6]), [.argmax]), [.w8a16]),
      (
        try network(
          "rearranged", TensorShape([5]), [shuffled, dense(5, 4, &generator), .activation(.relu)]), every
      ),
      (
        try network(
          "rearranged clip", TensorShape([5]),
          [dense(5, 5, &generator), .activation(.clip(minimum: -9, maximum: 9)), shuffled]), every
      ),
      (try network("rearranged output", TensorShape([5]), [dense(5, 5, &generator), shuffled]), [.w8a16]),
    ]
  }

  private static func network(_ name: String, _ shape: TensorShape, _ layers: [Layer]) throws -> Network {
    try Network(name: name, inputShape: shape, layers: layers)
  }

  private static func chain(
    _ name: String, _ widths: [Int], _ activations: [Activation?], _ generator: inout SeededGenerator
  ) throws -> Network {
    var layers: [Layer] = []
    for (index, activation) in activations.enumerated() {
      layers.append(dense(widths[index], widths[index + 1], &generator))
      if let activation { layers.append(.activation(activation)) }
    }
    return try network(name, TensorShape([widths[0]]), layers)
  }

  static func dense(_ inputs: Int, _ outputs: Int, _ generator: inout SeededGenerator) -> Layer {
    .dense(
      Dense(
        inputs: inputs, outputs: outputs, weights: weights(inputs * outputs, terms: inputs, &generator),
        bias: weights(outputs, terms: 1, &generator)))
  }

  private static func convolution(
    _ inputs: Int, _ outputs: Int, _ kernel: (Int, Int), strides: (Int, Int) = (1, 1),
    dilations: (Int, Int) = (1, 1), padding: Padding = Padding(), groups: Int = 1,
    _ generator: inout SeededGenerator
  ) -> Layer {
    let terms = inputs / groups * kernel.0 * kernel.1
    return .convolution(
      Convolution(
        inputChannels: inputs, outputChannels: outputs, kernel: Extent(height: kernel.0, width: kernel.1),
        strides: Extent(height: strides.0, width: strides.1),
        dilations: Extent(height: dilations.0, width: dilations.1), padding: padding, groups: groups,
        weights: weights(outputs * terms, terms: terms, &generator),
        bias: weights(outputs, terms: 1, &generator)))
  }

  private static func weights(_ count: Int, terms: Int, _ generator: inout SeededGenerator) -> [Float] {
    let scale = 2 / Double(terms).squareRoot()
    return (0..<count).map { _ in Float((generator.unit() * 2 - 1) * scale) }
  }
}
