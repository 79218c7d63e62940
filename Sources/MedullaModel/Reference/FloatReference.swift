#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The float meaning of a network: what quantization errors are measured against.
///
/// Values are float32 between layers, sums are taken in double. Agrees with ONNX Runtime to 1e-5 of the
/// output's range on every operator; the tests hold it to that.
package struct FloatReference: Sendable {
  package let network: Network

  package init(_ network: Network) {
    self.network = network
  }

  /// The network's output for one input, both row-major in the network's units.
  ///
  /// - Throws: `shapeMismatch` when the input has another number of elements than the network's input.
  package func run(_ input: [Float]) throws(ModelError) -> [Float] {
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
  package func trace(_ input: [Float]) throws(ModelError) -> [[Float]] {
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
  /// Four outputs side by side, each summed in the order of its inputs.
  fileprivate func evaluate(_ input: [Float]) -> [Float] {
    let x = input.map(Double.init)
    var sums = bias.map(Double.init)
    weights.withUnsafeBufferPointer { weights in
      x.withUnsafeBufferPointer { x in
        sums.withUnsafeMutableBufferPointer { sums in
          let whole = outputs / 4 * 4
          for output in stride(from: 0, to: whole, by: 4) {
            var (a, b, c, d) = (sums[output], sums[output + 1], sums[output + 2], sums[output + 3])
            let row = output * inputs
            for index in 0..<inputs {
              let value = x[index]
              a += Double(weights[row + index]) * value
              b += Double(weights[row + inputs + index]) * value
              c += Double(weights[row + 2 * inputs + index]) * value
              d += Double(weights[row + 3 * inputs + index]) * value
            }
            (sums[output], sums[output + 1], sums[output + 2], sums[output + 3]) = (a, b, c, d)
          }
          for output in whole..<outputs {
            var sum = sums[output]
            for index in 0..<inputs { sum += Double(weights[output * inputs + index]) * x[index] }
            sums[output] = sum
          }
        }
      }
    }
    return sums.map(Float.init)
  }
}

extension Activation {
  /// The function's value at one point.
  package func evaluate(_ x: Float) -> Float {
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
