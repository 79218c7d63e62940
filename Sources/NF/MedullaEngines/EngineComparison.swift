import MedullaBase

/// One model on several engines, and how far their outputs are apart.
///
/// The first engine's description of the model says which tensors there are; all get the same inputs, from
/// host memory.
package struct EngineComparison: Sendable {
  package struct Difference: Sendable {
    package let one: String
    package let other: String
    package let output: String
    /// The largest difference of an element.
    package let largest: Double
    /// The largest magnitude that either engine gave in this output.
    package let magnitude: Double

    /// The difference as a part of the magnitude; infinite where a value is not a finite number.
    package var relative: Double {
      largest == 0 ? 0 : magnitude > 0 && largest.isFinite ? largest / magnitude : .infinity
    }
  }

  /// Of each pair of engines and each output.
  package let differences: [Difference]

  package var worst: Double { differences.map(\.relative).max() ?? 0 }

  /// - Parameters:
  ///   - seed: of inputs, uniform from -1 to 1.
  ///   - size: of what the model leaves open, such as the batch.
  /// - Throws: what engines say; `badModel` where inputs or outputs are not float32; `wrongSize` where
  ///   engines see other tensors in the model.
  package init(
    _ model: EngineModel, on engines: [any Engine], seed: UInt64, size: Int = 1,
    options: EngineOptions = EngineOptions()
  ) throws(EngineError) {
    var random = SeededGenerator(seed: seed)
    var inputs: [TensorBuffer] = []
    var outputs: [(engine: String, tensors: [TensorBuffer])] = []
    var described: (inputs: [TensorDescription], outputs: [TensorDescription])?
    for engine in engines {
      let loaded = try engine.load(model, options: options)
      let shapes = described ?? (loaded.inputs, loaded.outputs)
      if described == nil {
        described = shapes
        try Self.check(shapes.inputs + shapes.outputs, model)
        inputs = shapes.inputs.map { Self.input($0.shape(any: size), &random) }
      }
      let own = shapes.outputs.map { TensorBuffer($0.element, $0.shape(any: size)) }
      try loaded.run(inputs: inputs.map(\.view), outputs: own.map(\.view))
      outputs.append((engine.name, own))
    }
    let names = described?.outputs.map(\.name) ?? []
    differences = outputs.indices.flatMap { one in
      outputs.indices.dropFirst(one + 1).flatMap { other in
        names.indices.map { index in
          Self.difference(
            (outputs[one].engine, outputs[one].tensors[index].floats),
            (outputs[other].engine, outputs[other].tensors[index].floats), names[index])
        }
      }
    }
  }

  private static func check(_ tensors: [TensorDescription], _ model: EngineModel) throws(EngineError) {
    guard let other = tensors.first(where: { $0.element != .float32 }) else { return }
    throw EngineError(
      .badModel, "\(model.title) cannot be compared by random numbers: \(other.text)",
      remedy: "models whose tensors are all float32 can")
  }

  private static func input(_ shape: [Int], _ random: inout SeededGenerator) -> TensorBuffer {
    let count = shape.reduce(1, *)
    return TensorBuffer((0..<count).map { _ in Float.random(in: -1...1, using: &random) }, shape)
  }

  private static func difference(
    _ one: (engine: String, values: [Float]), _ other: (engine: String, values: [Float]), _ output: String
  ) -> Difference {
    var (largest, magnitude) = (0.0, 0.0)
    for (a, b) in zip(one.values, other.values) {
      let apart = (Double(a) - Double(b)).magnitude
      largest = apart.isFinite ? max(largest, apart) : .infinity
      magnitude = max(magnitude, Double(a.magnitude), Double(b.magnitude))
    }
    return Difference(
      one: one.engine, other: other.engine, output: output, largest: largest, magnitude: magnitude)
  }
}
