import InferenceCases
import MedullaBase
import MedullaModel
import Testing

@Suite("A network is checked when it is made")
struct NetworkTests {
  @Test("shapes follow from layer to layer and the summary tells them")
  func shapes() throws {
    var random = SeededGenerator(seed: 3)
    let network = try NetworkCases.classifier(&random)
    #expect(network.layerShapes.map(\.dimensions) == [[4, 8, 8], [4, 8, 8], [4, 4, 4], [64], [5], [5]])
    #expect(network.summary.map(\.kind) == ["convolution", "relu", "pool", "rearrange", "dense", "softmax"])
    #expect(network.summary.map(\.parameters) == [76, 0, 0, 0, 325, 0])
    #expect(network.summary[4].inputShape == TensorShape([64]))
  }

  static let dense = Dense(inputs: 2, outputs: 1, weights: [1, 2], bias: [0])
  static let one = Extent(height: 1, width: 1)

  static func convolution(
    channels: Int = 1, kernel: Extent = one, strides: Extent = one, groups: Int = 1, weights: [Float] = [1]
  ) -> Layer {
    .convolution(
      Convolution(
        inputChannels: channels, outputChannels: 1, kernel: kernel, strides: strides, groups: groups,
        weights: weights, bias: [0]))
  }

  static let refused: [(String, [Int], Layer, ModelError.Code)] = [
    ("another width", [3], .dense(dense), .shapeMismatch),
    ("an image into dense", [1, 1, 2], .dense(dense), .shapeMismatch),
    (
      "too few weights", [2], .dense(Dense(inputs: 2, outputs: 1, weights: [1], bias: [0])), .shapeMismatch
    ),
    (
      "a size that overflows", [2],
      .dense(Dense(inputs: 2, outputs: Int.max, weights: [1], bias: [0])), .shapeMismatch
    ),
    (
      "an infinite weight", [2],
      .dense(Dense(inputs: 2, outputs: 1, weights: [1, .infinity], bias: [0])), .unsupportedAttribute
    ),
    (
      "a bias that is no number", [2],
      .dense(Dense(inputs: 2, outputs: 1, weights: [1, 1], bias: [.nan])), .unsupportedAttribute
    ),
    ("other channels", [2, 3, 3], convolution(), .shapeMismatch),
    ("a stride of 0", [1, 3, 3], convolution(strides: Extent(height: 0, width: 1)), .unsupportedAttribute),
    ("groups that do not divide", [1, 3, 3], convolution(groups: 2), .unsupportedAttribute),
    (
      "a window larger than the image", [1, 3, 3],
      convolution(kernel: Extent(height: 4, width: 1), weights: [1, 1, 1, 1]), .shapeMismatch
    ),
    (
      "a huge window", [1, 3, 3], convolution(kernel: Extent(height: Int.max, width: Int.max)),
      .unsupportedAttribute
    ),
    (
      "padding as wide as the window", [1, 3, 3],
      .pool(Pool(kind: .max, kernel: one, strides: one, padding: Padding(top: 1))), .unsupportedAttribute
    ),
    (
      "an index outside", [2], .rearrange(Rearrangement(indices: [2], shape: TensorShape([1]))),
      .shapeMismatch
    ),
    (
      "fewer indices than elements", [2], .rearrange(Rearrangement(indices: [1], shape: TensorShape([2]))),
      .shapeMismatch
    ),
    ("an empty interval", [2], .activation(.clip(minimum: 1, maximum: 0)), .unsupportedAttribute),
    ("a slope that is no number", [2], .activation(.leakyRelu(slope: .nan)), .unsupportedAttribute),
    ("argmax of a matrix", [2, 2], .argmax, .shapeMismatch),
  ]

  @Test("a layer that does not fit is refused with its position", arguments: refused.indices)
  func refusals(index: Int) {
    let (name, shape, layer, code) = Self.refused[index]
    do throws(ModelError) {
      _ = try Network(name: "n", inputShape: TensorShape(shape), layers: [layer])
      Issue.record("\(name) was accepted")
    } catch {
      #expect(error.code == code, "\(name): \(error)")
      #expect(error.message.hasPrefix("layer 0 ("), "\(name): \(error)")
    }
  }

  @Test(
    "an input without a usable shape is refused",
    arguments: [[], [0], [-1], [Int.max, Int.max], [1 << 23], Array(repeating: 1, count: 9)])
  func inputShapes(dimensions: [Int]) {
    #expect(throws: ModelError.self) {
      try Network(name: "n", inputShape: TensorShape(dimensions), layers: [])
    }
  }
}

@Suite("The float reference, by hand")
struct FloatReferenceTests {
  @Test("a dense layer is W·x + b and trace gives every layer's output")
  func dense() throws {
    let network = try Network(
      name: "n", inputShape: TensorShape([2]),
      layers: [
        .dense(Dense(inputs: 2, outputs: 2, weights: [1, 2, -3, 4], bias: [0.5, -0.5])), .activation(.relu),
      ])
    #expect(try FloatReference(network).trace([1, -1]) == [[-0.5, -7.5], [0, 0]])
    #expect(try FloatReference(network).run([1, 1]) == [3.5, 0.5])
    #expect(throws: ModelError.self) { try FloatReference(network).run([1]) }
  }

  @Test("the mean at an edge divides by what is inside, or by the whole window")
  func averages() throws {
    for (countsPadding, expected) in [(false, Float(2)), (true, 1)] {
      let pool = Pool(
        kind: .average(countsPadding: countsPadding), kernel: Extent(height: 1, width: 2),
        strides: Extent(height: 1, width: 2), padding: Padding(left: 1))
      let network = try Network(name: "n", inputShape: TensorShape([1, 1, 1]), layers: [.pool(pool)])
      #expect(try FloatReference(network).run([2]) == [expected])
    }
  }

  @Test("softmax of large values stays finite and the first of equal values is the largest")
  func rows() throws {
    let softmax = try Network(name: "n", inputShape: TensorShape([2]), layers: [.softmax])
    #expect(try FloatReference(softmax).run([1e30, 1e30]) == [0.5, 0.5])
    let argmax = try Network(name: "n", inputShape: TensorShape([3]), layers: [.argmax])
    #expect(try FloatReference(argmax).run([1, 7, 7]) == [1])
  }

  @Test("clip, leaky and hard functions at their corners")
  func activations() {
    #expect([-3, 0.5, 3].map(Activation.clip(minimum: -1, maximum: 2).evaluate) == [-1, 0.5, 2])
    #expect([-2, 2].map(Activation.leakyRelu(slope: 0.25).evaluate) == [-0.5, 2])
    #expect([-9, 0, 9].map(Activation.hardSigmoid(alpha: 0.2, beta: 0.5).evaluate) == [0, 0.5, 1])
  }
}
