import MedullaModel

/// The sizes beyond which a shape is refused, so that no file can make a reader run out of memory.
package enum SnapshotLimits {
  /// Elements of one tensor, in 64-bit words of scratch memory.
  package static let tensorElements = 1 << 22
  /// 64-bit words of one image.
  package static let imageWords = 1 << 26
  package static let steps = 4096
  package static let tables = 64
  package static let tableSegments = 1 << 16
  /// Fraction bits of features and outputs.
  package static let fractionBits = 0...32
  /// Terms of one sum. With weights and activations of 16 bits a sum stays below 2⁶¹.
  package static let terms = 1 << 22
}

extension ProgramShape {
  /// Checks every size, index and shift, with arithmetic that cannot overflow.
  ///
  /// - Throws: `malformedFile` that names the step.
  package func check() throws(SnapshotError) {
    guard (1...SnapshotLimits.tensorElements).contains(inputs) else { throw bad("it has \(inputs) inputs") }
    guard SnapshotLimits.fractionBits.contains(featureFractionBits),
      SnapshotLimits.fractionBits.contains(outputFractionBits), (1...46).contains(featureShift)
    else { throw bad("its fixed-point formats are out of range") }
    guard tables.count <= SnapshotLimits.tables, steps.count <= SnapshotLimits.steps, !steps.isEmpty else {
      throw bad("it has \(tables.count) tables and \(steps.count) steps")
    }
    for (index, table) in tables.enumerated() where !table.isUsable {
      throw bad("table \(index) is not usable")
    }
    var count = inputs
    var words = inputs * ImageLayout.featureWords + tables.reduce(0) { $0 + $1.segments }
    for (index, step) in steps.enumerated() {
      guard step.hasUsableSizes else { throw bad("step \(index) (\(step.kind)) has impossible sizes") }
      guard step.inputCount == count else {
        throw bad("step \(index) (\(step.kind)) reads \(step.inputCount) elements and is given \(count)")
      }
      guard step.formats(in: self) else { throw bad("step \(index) (\(step.kind)) has impossible formats") }
      count = step.outputCount
      guard (1...SnapshotLimits.tensorElements).contains(count) else {
        throw bad("step \(index) (\(step.kind)) writes \(count) elements")
      }
      words += step.weightWords
      guard words <= SnapshotLimits.imageWords else { throw bad("its image is larger than supported") }
    }
    try flows?.check(inputs: inputs, outputs: outputs, error: bad)
  }

  private func bad(_ reason: String) -> SnapshotError {
    SnapshotError(
      .malformedFile, "the program shape is not valid: \(reason)",
      remedy: "Compile the network again; the file is damaged or not a snapshot.")
  }
}

extension FunctionTable {
  fileprivate var isUsable: Bool {
    segments >= 2 && segments <= SnapshotLimits.tableSegments && segments & (segments - 1) == 0
      && (0...16).contains(fractionBits) && segments << fractionBits <= 1 << 30
      && (0...30).contains(guardBits) && (!isHalved || function != .decay)
      && (1...(1 << 30)).contains(amplitude)
  }
}

extension Step {
  /// Whether every size is positive and no product of sizes overflows.
  fileprivate var hasUsableSizes: Bool {
    switch self {
    case .dense(let step): return small(step.inputs, step.outputs)
    case .map(let step): return small(step.count)
    case .argmax(let step): return small(step.inputs)
    case .softmax(let step): return small(step.rows, step.length)
    case .gather(let step):
      return small(step.inputs) && !step.indices.isEmpty
        && step.indices.allSatisfy { (0..<step.inputs).contains($0) }
    case .pad(let step):
      let sides = [step.padding.top, step.padding.left, step.padding.bottom, step.padding.right]
      return small(step.channels, step.height, step.width)
        && sides.allSatisfy { (0...ModelLimits.extent).contains($0) }
        && small(step.channels, step.outputHeight, step.outputWidth)
    case .convolution(let step):
      return small(step.inputChannels, step.height, step.width) && small(step.outputChannels, step.groups)
        && step.kernel.isUsable && step.strides.isUsable && step.dilations.isUsable
        && step.inputChannels % step.groups == 0 && step.outputChannels % step.groups == 0
        && small(step.inputChannels, step.kernel.height, step.kernel.width)
        && (step.kernel.height - 1) * step.dilations.height < step.height
        && (step.kernel.width - 1) * step.dilations.width < step.width
        && small(step.outputChannels, step.outputHeight, step.outputWidth)
    case .pool(let step): return step.hasUsableWindows
    }
  }

  /// Words of weights, without overflow: sizes are checked first.
  fileprivate var weightWords: Int {
    switch self {
    case .dense(let step): product(LinearBlock(step))
    case .convolution(let step): product(LinearBlock(step))
    default: 4
    }
  }

  private func product(_ block: LinearBlock) -> Int {
    let (perGroup, overflow) = (block.channels + 16).multipliedReportingOverflow(by: block.terms + 16)
    let (all, more) = perGroup.multipliedReportingOverflow(by: block.groups)
    return overflow || more || all > SnapshotLimits.imageWords ? SnapshotLimits.imageWords + 1 : block.words
  }

  /// Whether shifts, limits, tables and packing are ones that the interpreter and programs know.
  fileprivate func formats(in shape: ProgramShape) -> Bool {
    switch self {
    case .dense(let step):
      return step.inputs <= SnapshotLimits.terms && packs(step.packing, shape, terms: step.inputs)
        && step.epilogue.isUsable(tables: shape.tables.count)
    case .convolution(let step):
      return step.fanIn <= SnapshotLimits.terms && packs(step.packing, shape, terms: step.fanIn)
        && step.epilogue.isUsable(tables: shape.tables.count)
    case .map(let step): return step.epilogue.isUsable(tables: shape.tables.count)
    case .softmax(let step):
      return shape.tables.indices.contains(step.table) && shape.tables[step.table].function == .decay
        && (0...62).contains(step.shift) && (1...(1 << 32)).contains(step.unit)
    case .argmax(let step): return (1...(1 << 32)).contains(step.unit)
    case .pad, .pool, .gather: return true
    }
  }

  private func packs(_ packing: Packing, _ shape: ProgramShape, terms: Int) -> Bool {
    packing != .triple || (shape.scheme.isNarrow && terms <= Packing.largestTriple)
  }
}

extension Epilogue {
  fileprivate func isUsable(tables: Int) -> Bool {
    guard (0...62).contains(shift) else { return false }
    switch function {
    case .identity, .clip: return true
    case .clamp(let low, let high): return low <= high
    case .leaky(let multiplier, let shift, let limit):
      return abs(multiplier.clamped(to: -(1 << 40)...(1 << 40))) < 1 << 40 && (1...40).contains(shift)
        && limit > 0
    case .table(let index): return (0..<tables).contains(index)
    }
  }
}

extension PoolStep {
  fileprivate var hasUsableWindows: Bool {
    guard small(channels, height, width), kernel.isUsable, strides.isUsable,
      small(channels, outputHeight, outputWidth), small(kernel.height, kernel.width)
    else { return false }
    let rows = [padding.top, padding.bottom]
    let columns = [padding.left, padding.right]
    return rows.allSatisfy { (0..<kernel.height).contains($0) }
      && columns.allSatisfy { (0..<kernel.width).contains($0) }
      && (outputHeight - 1) * strides.height - padding.top < height
      && (outputWidth - 1) * strides.width - padding.left < width
      && (outputHeight - 1) * strides.height + kernel.height <= height + padding.top + padding.bottom
      && (outputWidth - 1) * strides.width + kernel.width <= width + padding.left + padding.right
  }
}

extension Extent {
  fileprivate var isUsable: Bool {
    (1...ModelLimits.extent).contains(height) && (1...ModelLimits.extent).contains(width)
  }
}

extension Int64 {
  fileprivate func clamped(to range: ClosedRange<Int64>) -> Int64 {
    Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
  }
}

/// Whether all sizes are positive and their product is a tensor's size.
private func small(_ sizes: Int...) -> Bool {
  var product = 1
  for size in sizes {
    guard size > 0, size <= SnapshotLimits.tensorElements else { return false }
    let (next, overflow) = product.multipliedReportingOverflow(by: size)
    guard !overflow, next <= SnapshotLimits.imageWords else { return false }
    product = next
  }
  return true
}
