import MedullaKernel

/// An instance as the kernel has it, at one moment.
public struct CongestionStatus: Codable, Sendable, Equatable {
  public struct Slot: Codable, Sendable, Equatable {
    public let index: Int
    /// The program set that the slot belongs to.
    public let generation: Int
    public let version: UInt64
    /// Of the snapshot, in hexadecimal.
    public let digest: String
    public let name: String
    public let state: SlotTable.State
    /// On the slot now.
    public let flows: UInt64
    /// Ever on the slot, and moved away from it.
    public let flowsTaken: UInt64
    public let flowsMoved: UInt64
    public let inferences: UInt64
    /// The mean while measuring is on; null before the first.
    @Nullable public private(set) var nanosecondsPerInference: Double?
    @Nullable public private(set) var minimumNanoseconds: UInt64?
    @Nullable public private(set) var maximumNanoseconds: UInt64?
    public let guardEvents: UInt64
    public let timeouts: UInt64
    /// Inferences put off for want of working memory, and ACKs without memory for the flow.
    public let contended: UInt64
    public let stateless: UInt64
    /// Samples of its decisions, and those that the full ring had no room for.
    public let samples: UInt64
    public let samplesDropped: UInt64
    /// Packets of flows for which the table of flows had no room.
    public let unpinned: UInt64

    enum CodingKeys: String, CodingKey {
      case index, generation, version, digest, name, state, flows, inferences, timeouts, contended, stateless
      case samples, unpinned
      case samplesDropped = "samples_dropped"
      case flowsTaken = "flows_taken"
      case flowsMoved = "flows_moved"
      case nanosecondsPerInference = "ns_per_inference"
      case minimumNanoseconds = "ns_minimum"
      case maximumNanoseconds = "ns_maximum"
      case guardEvents = "guard_events"
    }
  }

  public struct Generation: Codable, Sendable, Equatable {
    public let number: Int
    public let current: Bool
    /// Of the shape's header, in hexadecimal.
    public let shape: String
    public let flows: UInt64
    /// Flows leave it on their next ACK.
    public let retired: Bool
    /// Of the program that handles an ACK.
    public let verifiedInstructions: Int
    public let machineCodeBytes: Int
    /// The mean of a whole ACK while the kernel's run statistics are on; null before the first.
    @Nullable public fileprivate(set) var nanosecondsPerACK: Double?

    enum CodingKeys: String, CodingKey {
      case number, current, shape, flows, retired
      case verifiedInstructions = "verified_instructions"
      case machineCodeBytes = "machine_code_bytes"
      case nanosecondsPerACK = "ns_per_ack"
    }
  }

  /// The candidate that waits.
  public struct Staged: Codable, Sendable, Equatable {
    public let slot: Int
    public let generation: Int
    public let version: UInt64
    /// Of the snapshot, in hexadecimal.
    public let digest: String
    public let name: String
  }

  /// How the staged snapshot's outputs differ from those that are used, in the network's units.
  public struct Shadow: Codable, Sendable, Equatable {
    public let slot: Int
    public let version: UInt64
    /// Every n-th decision; 0: it is not asked now.
    public let every: Int
    public let inferences: UInt64
    /// The mean over decisions of the largest |difference| of their outputs; null before the first.
    @Nullable public private(set) var meanDifference: Double?
    @Nullable public private(set) var maximumDifference: Double?

    enum CodingKeys: String, CodingKey {
      case slot, version, every, inferences
      case meanDifference = "mean_difference"
      case maximumDifference = "max_difference"
    }
  }

  public let name: String
  public let kind: InstanceKind
  /// Where a custom function is attached; null for the congestion control.
  @Nullable public private(set) var hook: String?
  /// By which TCP selects it; empty for a custom function.
  public let congestion: String
  public let attached: Bool
  public let measuring: Bool
  /// 0: flows stay as long as they live.
  public let drainLimitSeconds: Double
  /// Every n-th decision of a flow goes up as a sample; 0: none.
  public let sampling: Int
  /// Sent up, and not sent up because the ring was full, since it was attached.
  public let samples: UInt64
  public let samplesDropped: UInt64
  /// Whether a flow keeps its snapshot for its life.
  public let consistency: Bool
  @Nullable public private(set) var staged: Staged?
  /// null while nothing of the current shape is staged.
  @Nullable public private(set) var shadow: Shadow?
  public let slots: [Slot]
  public private(set) var generations: [Generation]

  enum CodingKeys: String, CodingKey {
    case name, kind, hook, congestion, attached, measuring, slots, generations, sampling, samples,
      consistency, staged,
      shadow
    case samplesDropped = "samples_dropped"
    case drainLimitSeconds = "drain_limit_seconds"
  }
}

extension CongestionStatus {
  init(_ instance: AttachedInstance) throws {
    let current = try instance.current()
    name = instance.name.text
    kind = instance.kind
    hook = instance.kind == .custom ? current.control.hook : nil
    congestion = instance.kind == .congestion ? instance.name.congestion : ""
    attached = true
    measuring = current.control.measures
    drainLimitSeconds = Double(current.control.drainLimitNanoseconds) / 1e9
    sampling = Int(current.control.sampleEvery)
    let totals = try instance.shared().total()
    samples = totals.samples
    samplesDropped = totals.samplesDropped
    consistency = !current.control.follows
    (staged, shadow) = try Self.candidate(of: instance, current: current)
    var slots: [Slot] = []
    var generations: [Generation] = []
    for generation in instance.generations {
      let table = try generation.table()
      let isCurrent = generation.number == current.number
      let facts = try generation.main.facts()
      generations.append(
        Generation(
          number: generation.number, current: isCurrent, shape: Self.hexadecimal(generation.control.shape),
          flows: table.flows, retired: generation.control.isRetired,
          verifiedInstructions: facts.verifiedInstructions, machineCodeBytes: facts.machineCodeBytes,
          nanosecondsPerACK: facts.runs > 0 ? Double(facts.runNanoseconds) / Double(facts.runs) : nil))
      for index in table.slots.indices where table.slots[index].version > 0 {
        slots.append(try Self.slot(index, of: generation, table: table, isCurrent: isCurrent))
      }
    }
    self.slots = slots
    self.generations = generations
  }

  /// Replaces the current program set's cost of an ACK by one that was measured over a while.
  mutating func setCost(nanoseconds: UInt64, runs: UInt64) {
    for index in generations.indices where generations[index].current {
      generations[index].nanosecondsPerACK = runs > 0 ? Double(nanoseconds) / Double(runs) : nil
    }
  }

  private static func candidate(
    of instance: AttachedInstance, current: PinnedGeneration
  ) throws -> (Staged?, Shadow?) {
    let router = try instance.router()
    guard let place = router.staged, let slot = router.slot(at: place) else { return (nil, nil) }
    let staged = Staged(
      slot: place.slot, generation: place.generation, version: slot.version,
      digest: hexadecimal(slot.digest), name: slot.name)
    guard place.generation == current.number else { return (staged, nil) }
    let counts = try current.counts(of: place.slot)
    let bits = min(max(current.control.formats.outputFractionBits, 0), 62)
    let unit = Double(sign: .plus, exponent: -bits, significand: 1)
    let mean = Double(counts.shadowSum) / Double(max(counts.shadowInferences, 1)) * unit
    let shadow = Shadow(
      slot: place.slot, version: slot.version, every: Int(current.control.shadowEvery),
      inferences: counts.shadowInferences, meanDifference: counts.shadowInferences > 0 ? mean : nil,
      maximumDifference: counts.shadowInferences > 0 ? Double(counts.shadowMaximum) * unit : nil)
    return (staged, shadow)
  }

  private static func slot(
    _ index: Int, of generation: PinnedGeneration, table: SlotTable, isCurrent: Bool
  ) throws -> Slot {
    let slot = table.slots[index]
    let flows = try generation.flows(of: index)
    let counts = try generation.counts(of: index)
    var state = table.state(of: index)
    // The active slot of an old program set is taken by no new flow.
    if state == .active && !isCurrent { state = slot.flows > 0 ? .draining : .standby }
    return Slot(
      index: index, generation: generation.number, version: slot.version,
      digest: hexadecimal(slot.digest), name: slot.name, state: state, flows: flows.held,
      flowsTaken: flows.taken, flowsMoved: flows.moved, inferences: counts.inferences,
      nanosecondsPerInference: counts.measured > 0
        ? Double(counts.measuredNanoseconds) / Double(counts.measured) : nil,
      minimumNanoseconds: counts.measured > 0 ? counts.measuredMinimum : nil,
      maximumNanoseconds: counts.measured > 0 ? counts.measuredMaximum : nil,
      guardEvents: counts.guardEvents, timeouts: counts.timeouts, contended: counts.contended,
      stateless: counts.stateless, samples: counts.samples, samplesDropped: counts.samplesDropped,
      unpinned: counts.unpinned)
  }

  static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
