/// What a compiled program depends on: steps, widths, activations and number formats, no weights.
///
/// Two snapshots with equal shapes differ in data only, and one replaces the other in a slot without a
/// compiler or the verifier.
package struct ProgramShape: Hashable, Sendable, Codable {
  package let scheme: QuantizationScheme
  package let inputs: Int
  /// Features enter as signed fixed point in 64-bit containers.
  package let featureFractionBits: Int
  /// Outputs leave as signed fixed point in 64-bit containers.
  package let outputFractionBits: Int
  /// x = ((f − low) · multiplier + bias) >> featureShift, with f − low cut to 0…width.
  package let featureShift: Int
  /// What inputs and outputs mean, of a network that decides about flows; absent: the function knows.
  package let flows: FlowInterface?
  package let tables: [FunctionTable]
  package let steps: [Step]

  package init(
    scheme: QuantizationScheme, inputs: Int, featureFractionBits: Int = 16, outputFractionBits: Int = 16,
    featureShift: Int = ProgramShape.standardFeatureShift, flows: FlowInterface? = nil,
    tables: [FunctionTable], steps: [Step]
  ) {
    self.scheme = scheme
    self.inputs = inputs
    self.featureFractionBits = featureFractionBits
    self.outputFractionBits = outputFractionBits
    self.featureShift = featureShift
    self.flows = flows
    self.tables = tables
    self.steps = steps
  }

  /// Exact for feature ranges up to 2⁴² fixed-point steps wide.
  package static let standardFeatureShift = 40

  package var outputs: Int { steps.last?.outputCount ?? inputs }
}

extension ProgramShape: CustomStringConvertible {
  /// For people: `30-32-16-1 tanh tanh none W8A16`.
  package var description: String {
    var widths = [String(inputs)]
    var names: [String] = []
    for step in steps {
      switch step {
      case .dense(let dense):
        widths.append(String(dense.outputs))
        names.append(name(of: dense.epilogue))
      case .convolution(let convolution):
        let kernel = convolution.kernel
        widths.append("conv\(convolution.outputChannels)@\(kernel.height)x\(kernel.width)")
        names.append(name(of: convolution.epilogue))
      case .map(let map): names.append(name(of: map.epilogue))
      case .pool(let pool): widths.append("\(pool.kind.rawValue)\(pool.kernel.height)x\(pool.kernel.width)")
      case .softmax, .argmax: names.append(step.kind)
      case .pad, .gather: break
      }
    }
    return "\(widths.joined(separator: "-")) \(names.joined(separator: " ")) \(scheme.title)"
  }

  private func name(of epilogue: Epilogue) -> String {
    switch epilogue.function {
    case .identity: "none"
    case .clamp(let low, _): low == 0 ? "relu" : "clamp"
    case .clip: "clip"
    case .leaky: "leakyRelu"
    case .table(let index): tables.indices.contains(index) ? tables[index].function.rawValue : "table"
    }
  }
}
