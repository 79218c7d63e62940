/// One live flow of an instance, as its memory in the kernel has it.
public struct CongestionFlow: Codable, Sendable, Equatable {
  /// What governs the flow's rate (`enum mcc_phase`).
  public enum Phase: String, Codable, Sendable {
    case start, drain, steer, `guard`
    /// A phase that this version does not know.
    case unknown
  }

  public let generation: Int
  public let slot: Int
  public let phase: Phase
  public let bitsPerSecond: UInt64
  /// In packets.
  public let window: Int
  public let minimumRoundTripMicroseconds: Int
  public let decisions: Int
  public let guardEvents: Int
  /// The network's last output, in fixed point with 16 fraction bits.
  public let action: Int64
  /// What `action` was inferred from, in the same format; null when newer intervals have ended since.
  @Nullable public private(set) var features: [Int64]?

  enum CodingKeys: String, CodingKey {
    case generation, slot, phase, window, decisions, action, features
    case bitsPerSecond = "bits_per_second"
    case minimumRoundTripMicroseconds = "min_rtt_us"
    case guardEvents = "guard_events"
  }

  init(_ record: KernelFlowRecord, features: [Int32], generation: Int) {
    self.generation = generation
    slot = Int(record.slot)
    let phases: [Phase] = [.start, .drain, .steer, .guard]
    phase = phases.indices.contains(Int(record.phase)) ? phases[Int(record.phase)] : .unknown
    bitsPerSecond = record.rate.multipliedReportingOverflow(by: 8).partialValue
    window = Int(record.window)
    minimumRoundTripMicroseconds = Int(record.minimumRoundTrip)
    decisions = Int(record.decisions)
    guardEvents = Int(record.guardEvents)
    action = record.action
    _features = Nullable(wrappedValue: record.explains == 1 ? features.map(Int64.init) : nil)
  }
}

extension CongestionControl {
  /// Every flow of an instance, in all network namespaces, on all program sets.
  public static func flows(name: String) throws -> [CongestionFlow] {
    try AttachedInstance(InstanceName(name)).generations.flatMap {
      try $0.congestion?.liveFlows(generation: $0.number) ?? []
    }
  }
}
