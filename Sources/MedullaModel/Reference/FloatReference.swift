#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The float meaning of a network: what quantization errors are measured against.
///
/// Values are float32 between layers, sums are taken in double. Agrees with ONNX Runtime to 1e-5 of the
/// output's range on every operator; the tests hold it to that.
public struct FloatReference: Sendable {
  public let network: Network

  public init(_ network: Network) {
    self.network = network
  }

  /// The network's output for one input, both row-major in the network's units.
  ///
  /// - Throws: `shapeMismatch` when the input has another number of elements than the network's input.
  public func run(_ input: [Float]) throws(ModelError) -> [Float] {
    try check(input)
    var values = input
    var shape = network.inputShape
    for (layer, next) in zip(network.layers, network.layerShapes) {
      values = Self.apply(layer, to: values, of: shape, into: next)
      shape = next
    }
    return values
  }

  /// The output of every layer for one input, in order: as many arrays as the network has layers.
  ///
  /// - Throws: `shapeMismatch` when the input has another number of elements than the network's input.
  public func trace(_ input: [Float]) throws(ModelError) -> [[Float]] {
    try check(input)
    var outputs: [[Float]] = []
    outputs.reserveCapacity(network.layers.count)
    var values = input
    var shape = network.inputShape
    for (layer, next) in zip(network.layers, network.layerShapes) {
      values = Self.apply(layer, to: values, of: shape, into: next)
      outputs.append(values)
      shape = next
    }
    return outputs
  }

  private func check(_ input: [Float]) throws(ModelError) {
    guard input.count == network.inputShape.count else {
      throw ModelError(
        .shapeMismatch,
        "network \(network.name) takes \(network.inputShape.count) values and is given \(input.count)")
    }
  }

  private static func apply(
    _ layer: Layer, to input: [Float], of shape: TensorShape, into next: TensorShape
  ) -> [Float] {
    switch layer {
    case .dense(let dense): dense.evaluate(input)
    case .convolution(let convolution): convolution.evaluate(input, of: shape, into: next)
    case .pool(let pool): pool.evaluate(input, of: shape, into: next)
    case .activation(let activation): input.map(activation.evaluate)
    case .rearrange(let rearrangement): rearrangement.indices.map { input[$0] }
    case .softmax: softmax(input, width: shape.dimensions.last ?? input.count)
    case .argmax: [Float(argmax(input))]
    }
  }

  private static func softmax(_ input: [Float], width: Int) -> [Float] {
    var output: [Float] = []
    output.reserveCapacity(input.count)
    for start in stride(from: 0, to: input.count, by: width) {
      let row = input[start..<start + width]
      let peak = Double(row.max() ?? 0)
      let powers = row.map { exp(Double($0) - peak) }
      let sum = powers.reduce(0, +)
      output.append(contentsOf: powers.map { Float($0 / sum) })
    }
    return output
  }

  private static func argmax(_ input: [Float]) -> Int {
    var best = 0
    for index in input.indices where input[index] > input[best] { best = index }
    return best
  }
}

extension Dense {
  fileprivate func evaluate(_ input: [Float]) -> [Float] {
    weights.withUnsafeBufferPointer { weights in
      input.withUnsafeBufferPointer { input in
        (0..<outputs).map { output in
          var sum = Double(bias[output])
          let row = output * inputs
          for index in 0..<inputs { sum += Double(weights[row + index]) * Double(input[index]) }
          return Float(sum)
        }
      }
    }
  }
}

extension Activation {
  /// The function's value at one point.
  public func evaluate(_ x: Float) -> Float {
    switch self {
    case .relu: max(x, 0)
    case .leakyRelu(let slope): x < 0 ? slope * x : x
    case .clip(let minimum, let maximum): min(max(x, minimum), maximum)
    case .tanh: Float(tanhDouble(Double(x)))
    case .sigmoid: Float(1 / (1 + exp(-Double(x))))
    case .hardSigmoid(let alpha, let beta): max(0, min(1, alpha * x + beta))
    }
  }
}

/// `tanh` by another name: inside `Activation` the case would hide the function.
private func tanhDouble(_ x: Double) -> Double { tanh(x) }
