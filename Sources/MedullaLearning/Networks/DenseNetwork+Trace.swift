extension DenseNetwork {
  /// The input and after it the output of every layer, one after another.
  package func trace(_ input: [Float]) -> [Float] {
    precondition(input.count == inputs, "a network of \(inputs) inputs got \(input.count)")
    var trace = input + [Float](repeating: 0, count: traceCount - inputs)
    trace.withUnsafeMutableBufferPointer { buffer in
      parameters.withUnsafeBufferPointer { weights in
        if let trace = buffer.baseAddress, let weights = weights.baseAddress { forward(weights, trace) }
      }
    }
    return trace
  }

  /// Multiplications with an addition that one sample's outputs take.
  package var multiplyAccumulates: Int {
    zip(widths, widths.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
