import CMedullaABI

/// `struct medulla_sample`, of any shape.
package enum SampleRecord {
  static let outcomeCount = Int(MEDULLA_OUTCOMES)
  static let headerBytes = MemoryLayout<medulla_sample_header>.size
  /// The header with one word each of features, outputs and shadow outputs, all outcomes, and the ring's own
  /// 8.
  package static let leastBytes = bytes(inputs: 1, outputs: 1) + 8

  /// Of a sample of a network of these sizes.
  package static func bytes(inputs: Int, outputs: Int) -> Int {
    headerBytes + 8 * (inputs + 2 * outputs + outcomeCount)
  }

  /// nil for bytes that are no whole sample, which no program of this version writes.
  static func read(_ bytes: UnsafeRawBufferPointer) -> FunctionSample? {
    guard bytes.count >= headerBytes else { return nil }
    let header = bytes.loadUnaligned(as: medulla_sample_header.self)
    let inputs = Int(header.inputs)
    let outputs = Int(header.outputs)
    let outcomes = Int(header.outcomes)
    guard header.flags & MEDULLA_SAMPLE_VALID != 0, outcomes <= outcomeCount,
      bytes.count >= Self.bytes(inputs: inputs, outputs: outputs)
    else { return nil }
    func read(_ count: Int, from word: Int) -> [Int64] {
      (0..<count).map { bytes.loadUnaligned(fromByteOffset: headerBytes + 8 * (word + $0), as: Int64.self) }
    }
    let hasShadow = header.flags & MEDULLA_SAMPLE_SHADOW != 0
    return FunctionSample(
      id: header.id, nanoseconds: header.time_ns, flow: header.flow, version: header.version,
      features: read(inputs, from: 0), outputs: read(outputs, from: inputs),
      shadowOutputs: hasShadow ? read(outputs, from: inputs + outputs) : nil,
      outcomes: read(outcomes, from: inputs + 2 * outputs))
  }
}
