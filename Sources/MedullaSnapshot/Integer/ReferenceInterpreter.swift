/// The meaning of a snapshot. Every other runtime gives the same bits.
///
/// Features and outputs are signed fixed point with the shape's fraction bits. All arithmetic is on 64-bit
/// integers; shifts to the right round towards −∞.
package struct ReferenceInterpreter: Sendable {
  package let snapshot: Snapshot
  private let evaluator: StepEvaluator

  package init(_ snapshot: Snapshot) {
    self.snapshot = snapshot
    evaluator = StepEvaluator(
      tables: zip(snapshot.shape.tables, snapshot.parameters.tables).map { TableLines(spec: $0, entries: $1) }
    )
  }

  /// The outputs for as many features as the network has inputs, both fixed point.
  package func run(features: [Int64]) -> [Int64] {
    trace(features: features).last ?? []
  }

  /// The outputs for features in the network's units. A feature that is not a number counts as 0.
  package func run(_ input: [Float]) -> [Float] {
    snapshot.shape.values(ofOutputs: run(features: fixedPoint(input))).map(Float.init)
  }

  /// Features as fixed point: rounded to nearest, cut to 64 bits.
  package func fixedPoint(_ input: [Float]) -> [Int64] { snapshot.shape.fixedPoint(input) }

  /// The sums of a dense step before its epilogue, nil of other steps: one element for each step.
  package func sums(features: [Int64]) -> [[Int64]?] {
    let trace = trace(features: features)
    return zip(zip(snapshot.shape.steps, snapshot.parameters.steps), trace).map { step, x in
      guard case (.dense(let dense), .linear(let linear)) = step else { return nil }
      return StepEvaluator.sums(of: dense, linear, x)
    }
  }

  /// What the function of a step makes of v, a sum after its multiplier and shift; v itself where the step
  /// has no function.
  package func function(ofStep index: Int, at v: Int64) -> Int64 {
    guard let epilogue = snapshot.shape.steps[index].epilogue else { return v }
    let clip: ClosedRange<Int64>? =
      switch snapshot.parameters.steps[index] {
      case .linear(let linear): linear.clip
      case .map(let map): map.clip
      case .softmax, .none: nil
      }
    return evaluator.value(of: epilogue.function, clip, at: v)
  }

  /// The entered features, then the output of every step.
  package func trace(features: [Int64]) -> [[Int64]] {
    precondition(features.count == snapshot.shape.inputs, "the network has \(snapshot.shape.inputs) inputs")
    var values = zip(features, snapshot.parameters.features).map { feature, scaling in
      scaling.apply(feature, shift: snapshot.shape.featureShift)
    }
    var trace = [values]
    trace.reserveCapacity(snapshot.shape.steps.count + 1)
    for (step, data) in zip(snapshot.shape.steps, snapshot.parameters.steps) {
      values = evaluator.apply(step, data, to: values)
      trace.append(values)
    }
    return trace
  }
}
