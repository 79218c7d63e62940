/// The working memory of a network of one or two outputs that goes through many samples one after another.
struct NetworkPass {
  let network: DenseNetwork
  private var trace: [Float]
  private var errors: [Float]

  init(_ network: DenseNetwork) {
    self.network = network
    trace = [Float](repeating: 0, count: network.traceCount)
    errors = trace
  }

  /// After `forward`: the second output, 0 where there is none.
  var second: Float { network.outputs > 1 ? trace[network.traceCount - network.outputs + 1] : 0 }

  /// The first output for the inputs that begin at `offset`.
  mutating func forward(_ inputs: [Float], at offset: Int = 0) -> Float {
    precondition(offset >= 0 && offset + network.inputs <= inputs.count, "inputs are missing")
    return inputs.withUnsafeBufferPointer { inputs in
      trace.withUnsafeMutableBufferPointer { trace in
        network.parameters.withUnsafeBufferPointer { weights in
          guard let inputs = inputs.baseAddress, let trace = trace.baseAddress,
            let weights = weights.baseAddress
          else { return 0 }
          for index in 0..<network.inputs { trace[index] = inputs[offset + index] }
          network.forward(weights, trace)
          return trace[network.traceCount - network.outputs]
        }
      }
    }
  }

  /// After `forward`: adds the gradient of a loss whose derivatives by the outputs are `slope` and `second`.
  mutating func backward(_ slope: Float, second: Float = 0, into gradient: inout [Float]) {
    precondition(gradient.count >= network.parameters.count, "the gradient is too short")
    errors[errors.count - network.outputs] = slope
    if network.outputs > 1 { errors[errors.count - network.outputs + 1] = second }
    gradient.withUnsafeMutableBufferPointer { gradient in
      trace.withUnsafeBufferPointer { trace in
        errors.withUnsafeMutableBufferPointer { errors in
          network.parameters.withUnsafeBufferPointer { weights in
            guard let gradient = gradient.baseAddress, let trace = trace.baseAddress,
              let errors = errors.baseAddress, let weights = weights.baseAddress
            else { return }
            network.backward(weights, trace, errors, gradient)
          }
        }
      }
    }
  }
}
