import MedullaCompile
import MedullaDatapath

/// An attached instance as the slow path's fast path: its samples, its live slot and its staging.
package final class KernelFastPath: FastPath {
  package let name: String
  private let instance: Instance
  private let samples: FunctionSamples
  private var dropped: UInt64
  private var live: LiveQuery
  private let settings: FunctionSettings?
  private var attachment: UInt64?
  private var isNew = false

  /// - Parameter settings: what is applied when someone detaches the function and attaches it anew; nil:
  ///   nothing.
  /// - Throws: `DatapathError` when nothing of this name is attached, or another process reads its samples.
  package init(name: String, settings: FunctionSettings? = nil) throws {
    self.name = name
    self.settings = settings
    instance = try Instance(name)
    samples = try instance.samples()
    attachment = samples.attachment
    dropped = try samples.dropped()
    live = try instance.query()
  }

  package func drain() throws -> Batch {
    let drained = try samples.drain()
    if samples.attachment != attachment {
      try settings?.apply()
      live = try instance.query()
      attachment = samples.attachment
      isNew = true
    }
    let total = try samples.dropped()
    // A new attachment counts from 0 again.
    let lost = total >= dropped ? total - dropped : total
    dropped = total
    return Batch(
      samples: drained, dropped: lost, featureFractionBits: samples.featureFractionBits,
      outputFractionBits: samples.outputFractionBits)
  }

  package func isAttachedAnew() -> Bool {
    defer { isNew = false }
    return isNew
  }

  package func query(_ inputs: [[Float]]) throws -> [[Float]] {
    let unit = Double(sign: .plus, exponent: samples.featureFractionBits, significand: 1)
    let rows = inputs.map { row in
      row.map { value in
        let scaled = (Double(value) * unit).rounded()
        return Int64(exactly: scaled) ?? (scaled < 0 ? Int64.min : Int64.max)
      }
    }
    return try ask(rows).map { Batch.natural($0, bits: samples.outputFractionBits) }
  }

  /// The programs may have been replaced since the last question; then it is asked of the new ones, once.
  private func ask(_ rows: [[Int64]]) throws -> [[Int64]] {
    do {
      return try live.run(rows)
    } catch {
      live = try instance.query()
      return try live.run(rows)
    }
  }

  package func stage(_ candidate: Candidate) throws -> UInt64 {
    let file = candidate.file
    return try instance.stage(DatapathSnapshot(file, name: file.snapshot.record.networkName))
  }

  package func shadow(every: Int?) throws { try instance.setShadow(every: every) }

  package func promote() throws { try instance.promote() }

  package func discard() throws { try instance.discard() }

  package func rollback(from expected: UInt64) throws -> UInt64 {
    try instance.rollback(from: expected)
  }

  package func lastChange() throws -> ActiveChange? { try instance.lastChange() }

  package func activeVersion() throws -> UInt64 {
    let status = try instance.status()
    guard let active = status.slots.first(where: { $0.state == .active }) else {
      throw AdaptationError(.fastPathFailed, "no slot of \(name) is active", remedy: "attach it anew")
    }
    return active.version
  }
}

extension FunctionSettings {
  /// Sets an attached instance as these settings say: its sampling, consistency and drain limit.
  package func apply() throws {
    let instance = try Instance(name)
    try instance.setSampling(every: sampling)
    try instance.setConsistency(consistency)
    try instance.setDrainLimit(drainLimit)
  }
}
