import MedullaDatapath
import MedullaSnapshot

/// An attached instance as the slow path's fast path: its samples, its live slot and its staging.
public final class KernelFastPath: FastPath {
  public let name: String
  private let samples: FunctionSamples
  private var dropped: UInt64
  private var live: LiveQuery
  private let settings: FunctionSettings?
  private var attachment: UInt64?
  private var isNew = false

  /// - Parameter settings: what is applied when someone detaches the function and attaches it anew; nil:
  ///   nothing.
  /// - Throws: `DatapathError` when nothing of this name is attached, or another process reads its samples.
  public init(name: String, settings: FunctionSettings? = nil) throws {
    self.name = name
    self.settings = settings
    samples = try FunctionSamples(name: name)
    attachment = samples.attachment
    dropped = try samples.dropped()
    live = try LiveQuery(name: name)
  }

  public func drain() throws -> Batch {
    let drained = try samples.drain()
    if samples.attachment != attachment {
      try settings?.apply()
      live = try LiveQuery(name: name)
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

  public func isAttachedAnew() -> Bool {
    defer { isNew = false }
    return isNew
  }

  public func query(_ inputs: [[Float]]) throws -> [[Float]] {
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
      live = try LiveQuery(name: name)
      return try live.run(rows)
    }
  }

  public func stage(_ snapshot: SnapshotFile, name snapshotName: String) throws -> UInt64 {
    try CongestionControl.stage(name: name, snapshot: DatapathSnapshot(snapshot, name: snapshotName))
  }

  public func shadow(every: Int?) throws { try CongestionControl.setShadow(name: name, every: every) }

  public func promote() throws { try CongestionControl.promote(name: name) }

  public func discard() throws { try CongestionControl.discard(name: name) }

  public func rollback(from expected: UInt64) throws -> UInt64 {
    try CongestionControl.rollback(name: name, from: expected)
  }

  public func lastChange() throws -> ActiveChange? { try CongestionControl.lastChange(name: name) }

  public func activeVersion() throws -> UInt64 {
    let status = try CongestionControl.status(name: name)
    guard let active = status.slots.first(where: { $0.state == .active }) else {
      throw AdaptationError(.fastPathFailed, "no slot of \(name) is active", remedy: "attach it anew")
    }
    return active.version
  }
}

extension FunctionSettings {
  /// Sets an attached instance as these settings say: its sampling, consistency and drain limit.
  public func apply() throws {
    try CongestionControl.setSampling(name: name, every: sampling)
    try CongestionControl.setConsistency(name: name, consistency)
    try CongestionControl.setDrainLimit(name: name, drainLimit)
  }
}
