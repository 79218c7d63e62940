/// An immutable integer form of a network: a program's shape, the data that goes in a slot, and where both
/// came from.
///
/// A `Snapshot` is proven when it is made: every sum of every channel stays in its lane for every input that
/// the format allows. The same network, calibration and options give the same bytes and the same digest.
package struct Snapshot: Hashable, Sendable {
  package let shape: ProgramShape
  package let parameters: IntegerParameters
  package let record: SnapshotRecord
  /// One for each step that sums, in order.
  package let proofs: [StepProof]
  /// The 64-bit words of a slot, byte for byte in little-endian memory. Made on each call.
  package var image: [Int64] { parameters.image(for: shape) }

  /// - Throws: `malformedFile` when the parameters do not fit the shape, `notProven` when a bound does not
  ///   hold, with the step and channel.
  package init(
    shape: ProgramShape, parameters: IntegerParameters, record: SnapshotRecord
  ) throws(SnapshotError) {
    try shape.check()
    try Self.check(parameters, against: shape)
    self.shape = shape
    self.parameters = parameters
    self.record = record
    proofs = try BoundProof(shape: shape, parameters: parameters).prove()
  }

  /// A snapshot from a slot's words, such as a file holds.
  ///
  /// - Throws: as the other initializer, and `malformedFile` when the words are not the ones that the shape's
  ///   layout gives.
  package init(shape: ProgramShape, image: [Int64], record: SnapshotRecord) throws(SnapshotError) {
    try shape.check()
    try self.init(
      shape: shape, parameters: IntegerParameters(image: image, shape: shape), record: record)
    guard self.image == image else {
      throw SnapshotError(.malformedFile, "the image has values where its layout has none")
    }
  }

  package var layout: ImageLayout { ImageLayout(shape) }

  /// What the tensor before each step can hold, whatever the features are, and last what the outputs can.
  package func ranges() throws(SnapshotError) -> [ClosedRange<Int64>] {
    try BoundProof(shape: shape, parameters: parameters).ranges()
  }

  private static func check(
    _ parameters: IntegerParameters, against shape: ProgramShape
  ) throws(SnapshotError) {
    guard parameters.features.count == shape.inputs, parameters.steps.count == shape.steps.count,
      parameters.tables.map(\.count) == shape.tables.map(\.segments)
    else {
      throw SnapshotError(.malformedFile, "the parameters belong to another program shape")
    }
    for (index, (table, lines)) in zip(shape.tables, parameters.tables).enumerated()
    where table.isHalved && !table.mirrors(lines) {
      throw SnapshotError(.malformedFile, "one half of table \(index) does not give the other")
    }
    for (index, (step, data)) in zip(shape.steps, parameters.steps).enumerated() where !data.fits(step, shape)
    {
      throw SnapshotError(.malformedFile, "the parameters of step \(index) (\(step.kind)) do not fit it")
    }
  }
}

extension StepParameters {
  fileprivate func fits(_ step: Step, _ shape: ProgramShape) -> Bool {
    let clips = step.epilogue?.function == .clip
    switch (step, self) {
    case (.dense(let dense), .linear(let linear)):
      return linear.fits(LinearBlock(dense), limit: shape.scheme.weightLimit) && (linear.clip != nil) == clips
    case (.convolution(let convolution), .linear(let linear)):
      return linear.fits(LinearBlock(convolution), limit: shape.scheme.weightLimit)
        && (linear.clip != nil) == clips
    case (.map, .map(let map)): return (map.clip != nil) == clips
    case (.softmax, .softmax), (.pad, .none), (.pool, .none), (.gather, .none), (.argmax, .none): return true
    default: return false
    }
  }
}

extension LinearParameters {
  fileprivate func fits(_ block: LinearBlock, limit: Int64) -> Bool {
    let channels = block.channels * block.groups
    return weights.count == channels * block.terms && bias.count == channels && multipliers.count == channels
      && weights.allSatisfy { abs(Int64($0)) <= limit }
  }
}
