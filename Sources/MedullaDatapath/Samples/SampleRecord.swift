/// `struct medulla_sample`, of any shape.
enum SampleRecord {
  static let headerBytes = 40
  /// The header with one word each of features, outputs and shadow outputs, all outcomes, and the ring's own
  /// 8.
  static let leastBytes = headerBytes + 8 * (3 + KernelLayout.outcomeCount) + 8

  /// nil for bytes that are no whole sample, which no program of this version writes.
  static func read(_ bytes: UnsafeRawBufferPointer) -> FunctionSample? {
    guard bytes.count >= headerBytes else { return nil }
    let header = bytes.loadUnaligned(as: KernelSampleHeader.self)
    let inputs = Int(header.inputs)
    let outputs = Int(header.outputs)
    let outcomes = Int(header.outcomes)
    let words = inputs + 2 * outputs + KernelLayout.outcomeCount
    guard header.flags & KernelLayout.sampleValid != 0, outcomes <= KernelLayout.outcomeCount,
      bytes.count >= headerBytes + 8 * words
    else { return nil }
    func read(_ count: Int, from word: Int) -> [Int64] {
      (0..<count).map { bytes.loadUnaligned(fromByteOffset: headerBytes + 8 * (word + $0), as: Int64.self) }
    }
    let hasShadow = header.flags & KernelLayout.sampleShadow != 0
    return FunctionSample(
      nanoseconds: header.time, flow: header.flow, version: header.version,
      features: read(inputs, from: 0), outputs: read(outputs, from: inputs),
      shadowOutputs: hasShadow ? read(outputs, from: inputs + outputs) : nil,
      outcomes: read(outcomes, from: inputs + 2 * outputs))
  }
}
