/// Walks a program's worst cases step by step and refuses what is not proven.
struct BoundProof {
  let shape: ProgramShape
  let parameters: IntegerParameters
  private let bounds: StepBounds

  init(shape: ProgramShape, parameters: IntegerParameters) {
    self.shape = shape
    self.parameters = parameters
    bounds = StepBounds(
      tables: zip(shape.tables, parameters.tables).map { TableLines(spec: $0, entries: $1) })
  }

  /// One proof for each step with sums.
  ///
  /// - Throws: `notProven` that names the step and channel.
  func prove() throws(SnapshotError) -> [StepProof] { try walk().proofs }

  /// What the tensor before each step can hold, and last what the outputs can.
  func ranges() throws(SnapshotError) -> [ClosedRange<Int64>] { try walk().ranges }

  private func walk() throws(SnapshotError) -> (proofs: [StepProof], ranges: [ClosedRange<Int64>]) {
    var range = try Self.entry(parameters.features, scheme: shape.scheme, shift: shape.featureShift)
    var ranges = [range]
    var proofs: [StepProof] = []
    for (index, step) in shape.steps.enumerated() {
      let (proof, output) = try bounds.after(step, parameters.steps[index], at: index, input: range)
      if let proof { proofs.append(proof) }
      range = output
      ranges.append(range)
    }
    return (proofs, ranges)
  }

  /// What features enter as, whatever they are.
  ///
  /// - Throws: `notProven` that names the feature.
  static func entry(
    _ features: [FeatureScaling], scheme: QuantizationScheme, shift: Int
  ) throws(SnapshotError) -> ClosedRange<Int64> {
    let limit = scheme.activationLimit
    var lowest = limit
    var highest = -limit
    for (index, feature) in features.enumerated() {
      let (span, overflow) = feature.width.multipliedReportingOverflow(by: feature.multiplier)
      let (top, more) = span.addingReportingOverflow(feature.bias)
      guard feature.width >= 0, feature.multiplier >= 0, !overflow, !more,
        feature.bias >> Int64(shift) >= -limit, top >> Int64(shift) <= limit
      else {
        throw SnapshotError(
          .notProven, "feature \(index) is not proven to enter within ±\(limit)",
          remedy: "Give a narrower range for it, or fewer fraction bits.")
      }
      lowest = min(lowest, feature.bias >> Int64(shift))
      highest = max(highest, top >> Int64(shift))
    }
    return lowest...max(lowest, highest)
  }
}
