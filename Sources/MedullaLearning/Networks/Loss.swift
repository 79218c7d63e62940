#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What supervised training makes small.
package enum Loss: String, Sendable, Codable {
  /// ½ Σ (output − target)², over the targets that are known: those that are no number are not.
  case squaredError
  /// −log of the softmax of the output whose target is 1 (targets sum to 1).
  case crossEntropy

  /// The loss of one sample and its derivatives by the outputs.
  package func evaluate(outputs: [Float], targets: [Float]) -> (value: Float, slopes: [Float]) {
    precondition(outputs.count == targets.count && !outputs.isEmpty, "outputs and targets differ in number")
    switch self {
    case .squaredError:
      let slopes = zip(outputs, targets).map { $1.isNaN ? 0 : $0 - $1 }
      return (slopes.reduce(0) { $0 + $1 * $1 } / 2, slopes)
    case .crossEntropy:
      let largest = outputs.reduce(-Float.infinity, max)
      let powers = outputs.map { expf($0 - largest) }
      let sum = powers.reduce(0, +)
      let logSum = logf(sum) + largest
      let value = zip(outputs, targets).reduce(Float(0)) { $0 + $1.1 * (logSum - $1.0) }
      return (value, zip(powers, targets).map { $0 / sum - $1 })
    }
  }
}

extension DenseNetwork {
  /// The mean loss over samples and its gradient by the parameters.
  ///
  /// - Parameter weights: by which each sample's loss is multiplied; nil: 1.
  package func gradient(
    inputs: [[Float]], targets: [[Float]], weights: [Float]? = nil, loss: Loss
  ) -> (loss: Float, gradient: [Float]) {
    precondition(inputs.count == targets.count && !inputs.isEmpty, "inputs and targets differ in number")
    precondition(weights.map { $0.count == inputs.count } ?? true, "inputs and weights differ in number")
    var gradient = [Float](repeating: 0, count: parameters.count)
    var trace = [Float](repeating: 0, count: traceCount)
    var errors = trace
    var total: Float = 0
    for (sample, (input, target)) in zip(inputs, targets).enumerated() {
      let weight = weights?[sample] ?? 1
      trace.replaceSubrange(0..<self.inputs, with: input)
      withPointers(&trace, &errors, &gradient) { weights, trace, _, _ in forward(weights, trace) }
      let (value, slopes) = loss.evaluate(outputs: Array(trace[(traceCount - outputs)...]), targets: target)
      total += weight * value
      for (index, slope) in slopes.enumerated() {
        errors[traceCount - outputs + index] = weight * slope / Float(inputs.count)
      }
      withPointers(&trace, &errors, &gradient) { backward($0, $1, $2, $3) }
    }
    return (total / Float(inputs.count), gradient)
  }

  private func withPointers(
    _ trace: inout [Float], _ errors: inout [Float], _ gradient: inout [Float],
    _ body: (
      UnsafePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>,
      UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    parameters.withUnsafeBufferPointer { weights in
      trace.withUnsafeMutableBufferPointer { trace in
        errors.withUnsafeMutableBufferPointer { errors in
          gradient.withUnsafeMutableBufferPointer { gradient in
            guard let weights = weights.baseAddress, let trace = trace.baseAddress,
              let errors = errors.baseAddress, let gradient = gradient.baseAddress
            else { return }
            body(weights, trace, errors, gradient)
          }
        }
      }
    }
  }
}
