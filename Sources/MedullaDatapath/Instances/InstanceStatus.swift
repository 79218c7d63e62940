import CMedullaABI
import MedullaBase

/// An instance as the kernel has it, at one moment.
package struct InstanceStatus: Codable, Sendable, Equatable {
  package struct Slot: Codable, Sendable, Equatable {
    package let index: Int
    /// The program set that the slot belongs to.
    package let generation: Int
    package let version: UInt64
    /// Of the snapshot, in hexadecimal.
    package let digest: String
    package let name: String
    package let state: SlotTable.State
    /// On the slot now.
    package let flows: UInt64
    /// Ever on the slot, and moved away from it.
    package let flowsTaken: UInt64
    package let flowsMoved: UInt64
    package let inferences: UInt64
    /// The mean while measuring is on; null before the first.
    package let nanosecondsPerInference: Double?
    package let minimumNanoseconds: UInt64?
    package let maximumNanoseconds: UInt64?
    /// Inferences put off for want of working memory.
    package let contended: UInt64
    /// Samples of its decisions, and those that the full ring had no room for.
    package let samples: UInt64
    package let samplesDropped: UInt64
    /// What its function counts, by key (`DatapathFunction.counters`).
    package let counters: [String: UInt64]

    enum CodingKeys: String, CodingKey, CaseIterable {
      case index, generation, version, digest, name, state, flows, inferences, contended, samples
      case samplesDropped = "samples_dropped"
      case flowsTaken = "flows_taken"
      case flowsMoved = "flows_moved"
      case nanosecondsPerInference = "ns_per_inference"
      case minimumNanoseconds = "ns_minimum"
      case maximumNanoseconds = "ns_maximum"
    }
  }

  package struct Generation: Codable, Sendable, Equatable {
    package let number: Int
    package let current: Bool
    /// Of the shape's header, in hexadecimal.
    package let shape: String
    package let flows: UInt64
    /// Flows leave it at their next packet.
    package let retired: Bool
    /// Of the program that does the function's work.
    package let verifiedInstructions: Int
    package let machineCodeBytes: Int
    /// The mean of its whole run while the kernel's run statistics are on; null before the first.
    @Nullable package fileprivate(set) var nanosecondsPerRun: Double?

    enum CodingKeys: String, CodingKey {
      case number, current, shape, flows, retired
      case verifiedInstructions = "verified_instructions"
      case machineCodeBytes = "machine_code_bytes"
      case nanosecondsPerRun = "ns_per_ack"
    }
  }

  /// The candidate that waits.
  package struct Staged: Codable, Sendable, Equatable {
    package let slot: Int
    package let generation: Int
    package let version: UInt64
    /// Of the snapshot, in hexadecimal.
    package let digest: String
    package let name: String
  }

  /// How the staged snapshot's outputs differ from those that are used, in the network's units.
  package struct Shadow: Codable, Sendable, Equatable {
    package let slot: Int
    package let version: UInt64
    /// Every n-th decision; 0: it is not asked now.
    package let every: Int
    package let inferences: UInt64
    /// The mean over decisions of the largest |difference| of their outputs; null before the first.
    @Nullable package private(set) var meanDifference: Double?
    @Nullable package private(set) var maximumDifference: Double?

    enum CodingKeys: String, CodingKey {
      case slot, version, every, inferences
      case meanDifference = "mean_difference"
      case maximumDifference = "max_difference"
    }
  }

  package let name: String
  /// The name of its function.
  package let function: String
  /// The interfaces where it is attached, with commas between; null when it is at none.
  package let hook: String?
  /// What its function says of it, by key (`DatapathFunction.details`).
  package let details: [String: JSONValue]
  package let attached: Bool
  package let measuring: Bool
  /// 0: flows stay as long as they live.
  package let drainLimitSeconds: Double
  /// Every n-th decision of a flow goes up as a sample; 0: none.
  package let sampling: Int
  /// Sent up, and not sent up because the ring was full, since it was attached.
  package let samples: UInt64
  package let samplesDropped: UInt64
  /// Packets of flows whose program set was gone, which the current one served.
  package let orphaned: UInt64
  /// Whether a flow keeps its snapshot for its life.
  package let consistency: Bool
  /// Flows that are kept at once; null when the function keeps no table of flows.
  package let flowLimit: Int?
  package let staged: Staged?
  /// null while nothing of the current shape is staged.
  package let shadow: Shadow?
  package let slots: [Slot]
  package private(set) var generations: [Generation]

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, hook, attached, measuring, slots, generations, sampling, samples, consistency, staged, shadow,
      orphaned
    case function = "kind"
    case samplesDropped = "samples_dropped"
    case drainLimitSeconds = "drain_limit_seconds"
    case flowLimit = "flow_limit"
  }
}

extension InstanceStatus {
  init(_ instance: PinnedInstance) throws {
    let current = try instance.current()
    name = instance.name.text
    let own = type(of: instance.function)
    function = own.name
    let places = try instance.function.hooks(of: instance.name).filter(\.isAtInterface)
    hook = places.isEmpty ? nil : places.map(\.description).joined(separator: ",")
    details = instance.function.details(of: instance.name)
    attached = true
    measuring = current.control.measures
    drainLimitSeconds = Double(current.control.drainLimitNanoseconds) / 1e9
    sampling = Int(current.control.sampleEvery)
    let shared = try instance.shared()
    let totals = try shared.total()
    samples = totals.samples
    samplesDropped = totals.samples_dropped
    orphaned = totals.orphaned
    consistency = !current.control.follows
    flowLimit =
      own.isDispatched ? try shared.map(Dispatcher.tableName).entryLimit : nil
    (staged, shadow) = try Self.candidate(of: instance, current: current)
    var slots: [Slot] = []
    var generations: [Generation] = []
    for generation in instance.generations {
      let table = try generation.table()
      let isCurrent = generation.number == current.number
      let facts = try generation.main.facts()
      let cost = isCurrent ? try instance.entry(generation).facts() : facts
      generations.append(
        Generation(
          number: generation.number, current: isCurrent, shape: generation.control.shape.hexadecimal,
          flows: table.flows, retired: generation.control.isRetired,
          verifiedInstructions: facts.verifiedInstructions, machineCodeBytes: facts.machineCodeBytes,
          nanosecondsPerRun: cost.runs > 0 ? Double(cost.runNanoseconds) / Double(cost.runs) : nil))
      for index in table.slots.indices where table.slots[index].version > 0 {
        slots.append(
          try Self.slot(
            index, of: generation, table: table, isCurrent: isCurrent, counters: own.counters))
      }
    }
    self.slots = slots
    self.generations = generations
  }

  /// Replaces the current program set's cost of an ACK by one that was measured over a while.
  mutating func setCost(nanoseconds: UInt64, runs: UInt64) {
    for index in generations.indices where generations[index].current {
      generations[index].nanosecondsPerRun = runs > 0 ? Double(nanoseconds) / Double(runs) : nil
    }
  }

  private static func candidate(
    of instance: PinnedInstance, current: PinnedGeneration
  ) throws -> (Staged?, Shadow?) {
    let router = try instance.router()
    guard let place = router.staged, let slot = router.slot(at: place) else { return (nil, nil) }
    let staged = Staged(
      slot: place.slot, generation: place.generation, version: slot.version,
      digest: slot.digest.hexadecimal, name: slot.name)
    guard place.generation == current.number else { return (staged, nil) }
    let counts = try current.counts(of: place.slot)
    let bits = min(max(current.control.formats.outputFractionBits, 0), 62)
    let unit = Double(sign: .plus, exponent: -bits, significand: 1)
    let mean = Double(counts.shadow_sum) / Double(max(counts.shadow_inferences, 1)) * unit
    let shadow = Shadow(
      slot: place.slot, version: slot.version, every: Int(current.control.shadowEvery),
      inferences: counts.shadow_inferences, meanDifference: counts.shadow_inferences > 0 ? mean : nil,
      maximumDifference: counts.shadow_inferences > 0 ? Double(counts.shadow_max) * unit : nil)
    return (staged, shadow)
  }

  private static func slot(
    _ index: Int, of generation: PinnedGeneration, table: SlotTable, isCurrent: Bool,
    counters: [FunctionCounter]
  ) throws -> Slot {
    let slot = table.slots[index]
    let flows = try generation.flows(of: index)
    let counts = try generation.counts(of: index)
    var state = table.state(of: index)
    // The active slot of an old program set is taken by no new flow.
    if state == .active && !isCurrent { state = slot.flows > 0 ? .draining : .standby }
    return Slot(
      index: index, generation: generation.number, version: slot.version,
      digest: slot.digest.hexadecimal, name: slot.name, state: state, flows: flows.held,
      flowsTaken: flows.taken, flowsMoved: flows.moved, inferences: counts.inferences,
      nanosecondsPerInference: counts.measured > 0
        ? Double(counts.measured_ns) / Double(counts.measured) : nil,
      minimumNanoseconds: counts.measured > 0 ? counts.measured_min_ns : nil,
      maximumNanoseconds: counts.measured > 0 ? counts.measured_max_ns : nil,
      contended: counts.contended, samples: counts.samples, samplesDropped: counts.samples_dropped,
      counters: Dictionary(
        uniqueKeysWithValues: zip(counters.map(\.key), counters.map { counts.functionCounters[$0.index] })))
  }
}
