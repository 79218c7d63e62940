import MedullaCompile
import MedullaDatapath
import Synchronization

/// An attached instance as the slow path's fast path: its samples, its live slot and its staging.
///
/// `drain` has the samples to itself; all else goes by the instance, which locks for itself.
package final class KernelFastPath: FastPath {
  package let name: String
  private let instance: Instance
  private let samples: FunctionSamples
  private var dropped: UInt64
  /// nil: of an attachment that is gone.
  private var live: LiveQuery?
  private let settings: FunctionSettings?
  /// Those of the function's bundle, for candidates of its shape that is loaded no longer.
  private let programs: [String: CompiledProgram]
  private var attachment: UInt64?
  private var isNew = false
  private let shared: Mutex<Shared>

  /// What the thread that drains tells the other one.
  private struct Shared {
    var featureBits: Int
    var outputBits: Int
    /// Whether someone attached it anew, without the settings that were there.
    var isBare = false
  }

  /// - Parameter settings: what is applied when someone detaches the function and attaches it anew; nil:
  ///   nothing.
  /// - Parameter programs: of the function's bundle, for candidates of its shape. None is compiled: one of
  ///   another shape than these and what is loaded is refused.
  /// - Throws: `DatapathError` when nothing of this name is attached, or another process reads its samples.
  package init(
    name: String, settings: FunctionSettings? = nil, programs: [String: CompiledProgram] = [:]
  ) throws {
    self.name = name
    self.settings = settings
    self.programs = programs
    instance = try Instance(name)
    samples = try instance.samples()
    attachment = samples.attachment
    shared = Mutex(
      Shared(featureBits: samples.featureFractionBits, outputBits: samples.outputFractionBits))
    dropped = try samples.dropped()
    live = try instance.query()
  }

  package func drain() throws -> Batch {
    let drained = try samples.drain()
    if samples.attachment != attachment {
      attachment = samples.attachment
      isNew = true
      let (features, outputs) = (samples.featureFractionBits, samples.outputFractionBits)
      shared.withLock { $0 = Shared(featureBits: features, outputBits: outputs, isBare: true) }
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
    try settleNew()
    let (features, outputs) = shared.withLock { ($0.featureBits, $0.outputBits) }
    let unit = Double(sign: .plus, exponent: features, significand: 1)
    let rows = inputs.map { row in
      row.map { value in
        let scaled = (Double(value) * unit).rounded()
        return Int64(exactly: scaled) ?? (scaled < 0 ? Int64.min : Int64.max)
      }
    }
    return try ask(rows).map { Batch.natural($0, bits: outputs) }
  }

  /// The programs may have been replaced since the last question; then it is asked of the new ones, once.
  private func ask(_ rows: [[Int64]]) throws -> [[Int64]] {
    if let live, let answers = try? live.run(rows) { return answers }
    let next = try instance.query()
    live = next
    return try next.run(rows)
  }

  /// Gives an attachment that is new the settings of before.
  private func settleNew() throws {
    guard shared.withLock({ $0.isBare }) else { return }
    live = nil
    try settings?.apply()
    shared.withLock { $0.isBare = false }
  }

  package func stage(_ candidate: Candidate) throws -> UInt64 {
    let file = candidate.file
    return try instance.stage(
      DatapathSnapshot(file, name: file.snapshot.record.networkName, objects: programs))
  }

  package func shadow(every: Int?) throws { try instance.setShadow(every: every) }

  package func promote() throws { try instance.promote() }

  package func discard() throws { try instance.discard() }

  package func rollback(from expected: UInt64) throws -> UInt64 {
    try instance.rollback(from: expected)
  }

  package func lastChange() throws -> ActiveChange? { try instance.lastChange() }

  package func activeVersion() throws -> UInt64 {
    try settleNew()
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
