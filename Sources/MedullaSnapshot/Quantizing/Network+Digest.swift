import MedullaBase
import MedullaModel

extension Network {
  /// SHA-256 of the input's shape and every layer's kind, sizes and parameters, in hexadecimal. Names do not
  /// count.
  package var digest: String {
    var hash = SHA256()
    hash.add(inputShape.dimensions)
    for layer in layers {
      hash.update(Array(layer.kind.utf8))
      switch layer {
      case .dense(let dense):
        hash.add([dense.inputs, dense.outputs])
        hash.add(dense.weights + dense.bias)
      case .convolution(let layer):
        hash.add([layer.inputChannels, layer.outputChannels, layer.groups])
        hash.add([layer.kernel, layer.strides, layer.dilations].flatMap { [$0.height, $0.width] })
        hash.add(layer.padding)
        hash.add(layer.weights + layer.bias)
      case .pool(let pool):
        hash.add([pool.kind == .max ? 0 : pool.kind == .average(countsPadding: true) ? 1 : 2])
        hash.add([pool.kernel, pool.strides].flatMap { [$0.height, $0.width] })
        hash.add(pool.padding)
      case .activation(let activation): hash.add(activation.constants)
      case .rearrange(let rearrangement):
        hash.add(rearrangement.indices)
        hash.add(rearrangement.shape.dimensions)
      case .softmax, .argmax: break
      }
    }
    return hash.finalize().hexadecimal
  }
}

extension Activation {
  fileprivate var constants: [Float] {
    switch self {
    case .relu, .tanh, .sigmoid: []
    case .leakyRelu(let slope): [slope]
    case .clip(let minimum, let maximum): [minimum, maximum]
    case .hardSigmoid(let alpha, let beta): [alpha, beta]
    }
  }
}

extension SHA256 {
  fileprivate mutating func add(_ numbers: [Int]) {
    update(UInt64(numbers.count))
    for number in numbers { update(UInt64(bitPattern: Int64(number))) }
  }

  fileprivate mutating func add(_ numbers: [Float]) {
    update(UInt64(numbers.count))
    for number in numbers { update(UInt64(number.bitPattern)) }
  }

  fileprivate mutating func add(_ padding: Padding) {
    add([padding.top, padding.left, padding.bottom, padding.right])
  }
}
