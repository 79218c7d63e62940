import CMedullaABI
import MedullaDatapath

/// One live flow of an instance, as its memory in the kernel has it.
package struct CongestionFlow: Codable, Sendable, Equatable, InstanceFlow {
  /// What governs the flow's rate (`enum mcc_phase`).
  package enum Phase: String, Codable, Sendable {
    case start, drain, steer, `guard`
    /// A phase that this version does not know.
    case unknown
  }

  package let generation: Int
  /// `noSlot` while it is on none.
  package let slot: Int
  package let phase: Phase
  package let bitsPerSecond: UInt64
  /// In packets.
  package let window: Int
  package let minimumRoundTripMicroseconds: Int
  package let decisions: Int
  package let guardEvents: Int
  /// Whether it keeps up with others who fill the queue and do not give way.
  package let hasRival: Bool
  /// The network's last output, in fixed point with 16 fraction bits.
  package let action: Int64
  /// What `action` was inferred from, in the same format; null when newer intervals have ended since.
  @Nullable package private(set) var features: [Int64]?

  static let noSlot = -1

  enum CodingKeys: String, CodingKey {
    case generation, slot, phase, window, decisions, action, features
    case bitsPerSecond = "bits_per_second"
    case minimumRoundTripMicroseconds = "min_rtt_us"
    case guardEvents = "guard_events"
    case hasRival = "rival"
  }

  /// - Parameter inputs: of the network, which takes so many of the features.
  init(_ record: congestion_flow_record, generation: Int, inputs: Int) {
    self.generation = generation
    slot = record.slot < UInt32(SlotTable.capacity) ? Int(record.slot) : Self.noSlot
    let phases: [Phase] = [.start, .drain, .steer, .guard]
    phase = phases.indices.contains(Int(record.phase)) ? phases[Int(record.phase)] : .unknown
    bitsPerSecond = record.rate.multipliedReportingOverflow(by: 8).partialValue
    window = Int(record.window)
    minimumRoundTripMicroseconds = Int(record.min_rtt_us)
    decisions = Int(record.decisions)
    guardEvents = Int(record.guard_events)
    hasRival = record.rival != 0
    action = record.action
    let features = withUnsafeBytes(of: record.features) { words in
      words.bindMemory(to: Int32.self).prefix(inputs).map(Int64.init)
    }
    _features = Nullable(wrappedValue: record.explains == 1 ? features : nil)
  }
}

extension CongestionFlow {
  package var line: String {
    "flow on slot \(slot) of set \(generation): \(phase.rawValue), \(bitsPerSecond / 1_000) kb/s, "
      + "window \(window), \(decisions) decisions"
  }
}

extension CongestionControl {
  package func flows(of generation: PinnedGeneration) throws -> [any InstanceFlow] {
    try Self.liveFlows(of: generation)
  }

  package func recount(_ generation: PinnedGeneration) throws -> [Int: UInt64]? {
    try Self.liveFlows(of: generation).reduce(into: [:]) { $0[$1.slot, default: 0] += 1 }
  }

  /// Every flow that is on a program set, in all network namespaces.
  static func liveFlows(of generation: PinnedGeneration) throws -> [CongestionFlow] {
    let bytes = try visit(generation, Pins.listProgram)
    let size = MemoryLayout<congestion_flow_record>.stride
    let inputs = generation.control.formats.inputs
    return bytes.withUnsafeBytes { raw in
      stride(from: 0, through: raw.count - size, by: size).map { start in
        CongestionFlow(
          raw.loadUnaligned(fromByteOffset: start, as: congestion_flow_record.self),
          generation: generation.number, inputs: inputs)
      }
    }
  }
}
