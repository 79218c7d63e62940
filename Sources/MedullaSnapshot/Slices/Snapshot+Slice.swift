/// Slices: parts of a network that are snapshots of their own, to be spread over processors or switches.
///
/// A slice's features are the integers of the whole's activations at that place: fixed point without
/// fraction bits, whose entry changes nothing and whose range is what the proof of the whole allows there.
/// Its outputs are again such integers; the last slice's are the whole's. So slices that run in sequence, and
/// slices of channels whose outputs are put side by side, give the whole's bits.
extension Snapshot {
  /// Some of the steps, and of the output channels (filters, neurons) of the one layer among them.
  ///
  /// - Parameters:
  ///   - steps: places in `shape.steps`.
  ///   - channels: output channels of the one dense or convolution step in `steps`. Steps before it stay
  ///     whole; those after it work on each channel by itself. In a convolution of several groups the
  ///     channels are whole groups, or lie in one.
  /// - Throws: `badSlice` when there are no such steps or channels, or the activations at the cut are not
  ///   integers of the scheme.
  package func slice(
    steps: ClosedRange<Int>, channels: Range<Int>? = nil
  ) throws(SnapshotError) -> Snapshot {
    guard shape.steps.indices.contains(steps.lowerBound), shape.steps.indices.contains(steps.upperBound)
    else {
      throw SnapshotError(
        .badSlice, "there are no steps \(steps.lowerBound) to \(steps.upperBound)",
        remedy: "The network has steps 0 to \(shape.steps.count - 1).")
    }
    let first = steps.lowerBound
    let scale = first == 0 ? record.slice?.inputScale ?? 1 : record.steps[first - 1].outputScale
    var draft = SliceDraft(inputScale: scale, layer: first == 0 ? -1 : record.steps[first - 1].layer)
    if let channels {
      try draft.append(shape.steps, parameters.steps, record.steps, steps, channels: channels)
    } else {
      for index in steps {
        draft.append(shape.steps[index], parameters.steps[index], record.steps[index])
      }
    }
    let tables = draft.takeTables(shape.tables)
    let last = steps.upperBound == shape.steps.count - 1
    let entry = try entry(at: first, scale: scale)
    return try Snapshot(
      shape: ProgramShape(
        scheme: shape.scheme, inputs: entry.features.count,
        featureFractionBits: first == 0 ? shape.featureFractionBits : 0,
        outputFractionBits: last ? shape.outputFractionBits : 0, featureShift: shape.featureShift,
        tables: tables.map { shape.tables[$0] }, steps: draft.steps),
      parameters: IntegerParameters(
        tables: tables.map { parameters.tables[$0] }, features: entry.features, steps: draft.parameters),
      record: SnapshotRecord(
        networkName: record.networkName, networkDigest: record.networkDigest,
        inputName: record.inputName, outputName: record.outputName,
        calibrationDigest: record.calibrationDigest, options: record.options, featureRanges: entry.ranges,
        steps: draft.records,
        slice: SliceRecord(
          firstStep: first, lastStep: steps.upperBound, channels: channels, inputScale: scale)))
  }

  /// The steps that compute some of the float network's layers.
  ///
  /// - Throws: `badSlice` when a cut lies inside a step, such as between a layer and its activation; the
  ///   remedy lists the layers after which one can cut.
  package func slice(
    layers: ClosedRange<Int>, channels: Range<Int>? = nil
  ) throws(SnapshotError) -> Snapshot {
    let ends = record.steps.map(\.layer)
    let before = layers.lowerBound - 1
    guard before == -1 || ends.contains(before), let last = lastStep(of: layers.upperBound) else {
      let cuts = Set(ends).sorted().filter { $0 >= 0 }.map(String.init).joined(separator: ", ")
      throw SnapshotError(
        .badSlice, "the network cannot be cut into layers \(layers.lowerBound) to \(layers.upperBound)",
        remedy: "It can be cut after layers \(cuts).")
    }
    let first = before == -1 ? 0 : (lastStep(of: before) ?? -1) + 1
    guard first <= last else {
      throw SnapshotError(
        .badSlice, "layers \(layers.lowerBound) to \(layers.upperBound) compute nothing",
        remedy: "Take the layers after them as well.")
    }
    return try slice(steps: first...last, channels: channels)
  }

  /// The step whose outputs are a layer's. Padding that prepares the next layer bears the same number and
  /// stays with the next.
  private func lastStep(of layer: Int) -> Int? {
    var found = record.steps.lastIndex { $0.layer == layer }
    while let index = found, index > 0, case .pad = shape.steps[index],
      record.steps[index - 1].layer == layer
    { found = index - 1 }
    return found
  }

  /// How the tensor before a step enters a slice.
  private func entry(
    at step: Int, scale: Double
  ) throws(SnapshotError) -> (features: [FeatureScaling], ranges: [FeatureRange]) {
    guard step > 0 else { return (parameters.features, record.featureRanges) }
    let range = try BoundProof(shape: shape, parameters: parameters).ranges()[step]
    let limit = shape.scheme.activationLimit
    guard range.lowerBound >= -limit, range.upperBound <= limit else {
      throw SnapshotError(
        .badSlice,
        "step \(step) (\(shape.steps[step].kind)) reads values of \(range.lowerBound) to "
          + "\(range.upperBound), beyond the activations of \(shape.scheme.title)",
        remedy: "Cut before the step that makes them.")
    }
    let shift = Int64(shape.featureShift)
    let feature = FeatureScaling(
      low: range.lowerBound, width: range.upperBound - range.lowerBound, multiplier: 1 << shift,
      bias: range.lowerBound << shift)
    let count = shape.steps[step].inputCount
    return (
      [FeatureScaling](repeating: feature, count: count),
      [FeatureRange](
        repeating: FeatureRange(
          low: Double(range.lowerBound) * scale, high: Double(range.upperBound) * scale), count: count)
    )
  }
}
