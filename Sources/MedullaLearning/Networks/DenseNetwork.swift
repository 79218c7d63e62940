import MedullaBase

/// A chain of dense layers whose parameters lie in one vector, trained by gradient descent.
///
/// Layer `l` takes `widths[l]` values to `widths[l + 1]`; its weights are stored input by input (so that
/// adding one input's share touches consecutive memory), then its biases.
package struct DenseNetwork: Sendable, Equatable, Codable {
  package enum Activation: String, Sendable, Codable {
    case identity, tanh, relu
  }

  package let widths: [Int]
  /// One for each layer.
  package let activations: [Activation]
  package var parameters: [Float]

  package var inputs: Int { widths.first ?? 0 }
  package var outputs: Int { widths.last ?? 0 }
  package var layerCount: Int { activations.count }
  /// Values that a forward pass of one sample leaves behind: the input and every layer's output.
  package var traceCount: Int { widths.reduce(0, +) }

  /// Weights from N(0, 1 / inputs), scaled by `outputGain` in the last layer; biases 0.
  /// - Throws: `LearningError` when the widths and activations do not fit.
  package init(
    widths: [Int], activations: [Activation], outputGain: Float = 1, seed: UInt64
  ) throws(LearningError) {
    guard widths.count == activations.count + 1, !activations.isEmpty, widths.allSatisfy({ $0 > 0 }) else {
      throw LearningError(.shapeMismatch, "\(widths) and \(activations.count) activations are no network")
    }
    self.widths = widths
    self.activations = activations
    var generator = SeededGenerator(seed: seed)
    parameters = []
    for layer in activations.indices {
      let gain = layer == activations.count - 1 ? outputGain : 1
      let deviation = gain / Float(widths[layer]).squareRoot()
      for _ in 0..<(widths[layer] * widths[layer + 1]) {
        parameters.append(Float(generator.normal()) * deviation)
      }
      parameters += [Float](repeating: 0, count: widths[layer + 1])
    }
  }

  /// The same function of its first inputs, with others after them that change nothing.
  func widened(to inputs: Int) -> DenseNetwork {
    precondition(inputs >= self.inputs, "a network cannot lose inputs")
    var wider = DenseNetwork(unchecked: [inputs] + widths.dropFirst(), activations, [])
    let outs = widths[1]
    wider.parameters = Array(parameters[..<(self.inputs * outs)])
    wider.parameters += [Float](repeating: 0, count: (inputs - self.inputs) * outs)
    wider.parameters += parameters[(self.inputs * outs)...]
    return wider
  }

  /// Networks of one output each, side by side in one: what is between them is 0.
  /// - Throws: `LearningError` when they do not fit together.
  static func sideBySide(_ parts: [DenseNetwork]) throws(LearningError) -> DenseNetwork {
    guard let first = parts.first,
      parts.allSatisfy({ $0.inputs == first.inputs && $0.activations == first.activations })
    else { throw LearningError(.shapeMismatch, "networks of different inputs or layers are no one network") }
    let widths = first.widths.indices.map { layer in
      layer == 0 ? first.inputs : parts.reduce(0) { $0 + $1.widths[layer] }
    }
    var whole = DenseNetwork(unchecked: widths, first.activations, [])
    whole.parameters = [Float](repeating: 0, count: whole.offset(ofLayer: first.layerCount))
    for layer in first.activations.indices {
      var (row, column) = (0, 0)
      for part in parts {
        let (ins, outs, start) = (part.widths[layer], part.widths[layer + 1], part.offset(ofLayer: layer))
        let to = whole.offset(ofLayer: layer)
        for output in 0..<outs {
          for input in 0..<ins {
            whole.parameters[to + (row + input) * widths[layer + 1] + column + output] =
              part.parameters[start + input * outs + output]
          }
          whole.parameters[to + widths[layer] * widths[layer + 1] + column + output] =
            part.parameters[start + ins * outs + output]
        }
        column += outs
        if layer > 0 { row += ins }
      }
    }
    return whole
  }

  /// 1 for each parameter that training may change, 0 for weights that are 0: they are no connections.
  var connections: [Float] {
    var mask = [Float](repeating: 1, count: parameters.count)
    for layer in activations.indices {
      let start = offset(ofLayer: layer)
      for place in start..<(start + widths[layer] * widths[layer + 1]) where parameters[place] == 0 {
        mask[place] = 0
      }
    }
    return mask
  }

  init(unchecked widths: [Int], _ activations: [Activation], _ parameters: [Float]) {
    self.widths = widths
    self.activations = activations
    self.parameters = parameters
  }

  /// Whether the parts fit together; a decoded value may not.
  var isSound: Bool {
    guard widths.count == activations.count + 1, !activations.isEmpty,
      widths.allSatisfy({ $0 > 0 && $0 <= 65536 })
    else { return false }
    return parameters.count == offset(ofLayer: activations.count) && parameters.allSatisfy(\.isFinite)
  }

  /// Where layer `layer`'s weights begin in `parameters`; its biases follow.
  package func offset(ofLayer layer: Int) -> Int {
    (0..<layer).reduce(0) { $0 + (widths[$1] + 1) * widths[$1 + 1] }
  }

  /// The outputs for one sample.
  package func callAsFunction(_ input: [Float]) -> [Float] {
    precondition(input.count == inputs, "a network of \(inputs) inputs got \(input.count)")
    var trace = input + [Float](repeating: 0, count: traceCount - inputs)
    trace.withUnsafeMutableBufferPointer { buffer in
      parameters.withUnsafeBufferPointer { weights in
        if let trace = buffer.baseAddress, let weights = weights.baseAddress { forward(weights, trace) }
      }
    }
    return Array(trace[(traceCount - outputs)...])
  }

  /// One sample: `trace` holds the input first and receives each layer's output after it.
  @inline(__always)
  func forward(_ weights: UnsafePointer<Float>, _ trace: UnsafeMutablePointer<Float>) {
    var weights = weights
    var input = trace
    for layer in 0..<activations.count {
      let (ins, outs) = (widths[layer], widths[layer + 1])
      let output = input + ins
      let bias = weights + ins * outs
      for o in 0..<outs { output[o] = bias[o] }
      for i in 0..<ins {
        let x = input[i]
        let row = weights + i * outs
        for o in 0..<outs { output[o] += x * row[o] }
      }
      switch activations[layer] {
      case .identity: break
      case .tanh: for o in 0..<outs { output[o] = hyperbolicTangent(output[o]) }
      case .relu: for o in 0..<outs { output[o] = max(output[o], 0) }
      }
      weights = UnsafePointer(bias + outs)
      input = output
    }
  }

  /// One sample: adds the gradient of a loss to `gradient`. `trace` is what `forward` left; `errors` has the
  /// same layout and holds the loss's derivative by the network's outputs in its last places; the rest is
  /// overwritten.
  @inline(__always)
  func backward(
    _ weights: UnsafePointer<Float>, _ trace: UnsafePointer<Float>, _ errors: UnsafeMutablePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>
  ) {
    var end = parameters.count
    var position = traceCount - outputs
    for layer in stride(from: activations.count - 1, through: 0, by: -1) {
      let (ins, outs) = (widths[layer], widths[layer + 1])
      let output = trace + position
      let error = errors + position
      switch activations[layer] {
      case .identity: break
      case .tanh: for o in 0..<outs { error[o] *= 1 - output[o] * output[o] }
      case .relu: for o in 0..<outs where output[o] <= 0 { error[o] = 0 }
      }
      let start = end - (ins + 1) * outs
      let input = trace + position - ins
      let inputError = errors + position - ins
      let bias = gradient + start + ins * outs
      for o in 0..<outs { bias[o] += error[o] }
      for i in 0..<ins {
        let x = input[i]
        let row = gradient + start + i * outs
        for o in 0..<outs { row[o] += x * error[o] }
      }
      if layer > 0 {
        for i in 0..<ins { inputError[i] = innerProduct(weights + start + i * outs, error, outs) }
      }
      end = start
      position -= ins
    }
  }
}

/// Σ a·b in four partial sums, so that the order of summation is fixed and vectors can be used.
@inline(__always)
func innerProduct(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
  var sums = SIMD4<Float>.zero
  var index = 0
  while index + 4 <= count {
    sums +=
      SIMD4(a[index], a[index + 1], a[index + 2], a[index + 3])
      * SIMD4(b[index], b[index + 1], b[index + 2], b[index + 3])
    index += 4
  }
  var sum = (sums[0] + sums[1]) + (sums[2] + sums[3])
  while index < count {
    sum += a[index] * b[index]
    index += 1
  }
  return sum
}

/// tanh by its rational approximation on ±7.9 (Eigen's coefficients: odd degree 13 over even degree 6);
/// within 4e-7 of the true value, and the same on every machine.
@inline(__always)
func hyperbolicTangent(_ value: Float) -> Float {
  let x = max(-7.90531110763549805, min(7.90531110763549805, value))
  let y = x * x
  var p: Float = -2.76076847742355e-16
  p = p * y + 2.00018790482477e-13
  p = p * y - 8.60467152213735e-11
  p = p * y + 5.12229709037114e-08
  p = p * y + 1.48572235717979e-05
  p = p * y + 6.37261928875436e-04
  p = p * y + 4.89352455891786e-03
  var q: Float = 1.19825839466702e-06
  q = q * y + 1.18534705686654e-04
  q = q * y + 2.26843463243900e-03
  q = q * y + 4.89352518554385e-03
  return x * p / q
}
