import CMedullaABI
import MedullaBase
import MedullaDatapath
import MedullaKernel

/// TCP congestion control by a network.
///
/// An attached instance is a congestion control of TCP that any program can select by its name.
package struct CongestionControl: DatapathFunction {
  /// Bounds, monitor interval and guard.
  package let configuration: CongestionConfiguration
  /// The default congestion control when the instance was attached; empty: it is not known.
  package private(set) var before = ""

  package init(_ configuration: CongestionConfiguration = CongestionConfiguration()) {
    self.configuration = configuration
  }

  package static let name = "congestion"
  package static let sizes = CongestionConfiguration.sizes
  package static let main = ProgramSource(name: "congestion", sizes: sizes, files: CongestionSources.main)
  package static let programs = [main]
  package static let event = "ACK"
  package static let keepsRanges = true
  package static let outcomes = CongestionOutcome.fields
  package static let counters = [
    FunctionCounter("guard_events", index: Int(CONGESTION_GUARD_EVENTS), column: "guard"),
    FunctionCounter("timeouts", index: Int(CONGESTION_TIMEOUTS)),
    FunctionCounter("stateless", index: Int(CONGESTION_STATELESS)),
    FunctionCounter("rivals", index: Int(CONGESTION_RIVALS), column: "rivals"),
  ]

  package static func reward(memory: Duration) -> (any RewardMeasure)? { CongestionReward(memory: memory) }

  package static func title(of status: InstanceStatus) -> String {
    "TCP congestion control \(status.congestion)"
  }

  package init(values: [String: FunctionValue]) throws { self.init() }

  package func hooks(of name: InstanceName) -> [Hook] { [Hook(.structOps(map: Pins.structOps))] }

  package func details(of name: InstanceName) -> [String: JSONValue] {
    ["congestion": .string(name.congestion)]
  }

  package func prepared(
    for name: InstanceName, _ snapshot: DatapathSnapshot
  ) throws -> CongestionControl {
    try configuration.validate()
    guard !TCPSettings.availableCongestionControls.contains(name.congestion) else {
      throw DatapathError(
        .alreadyAttached, "TCP has a congestion control named \(name.congestion) already",
        remedy: "choose another name")
    }
    var prepared = self
    prepared.before = TCPSettings.defaultCongestionControl
    return prepared
  }

  package func load(
    _ snapshot: DatapathSnapshot, for name: InstanceName, shared: SharedMaps.Origin
  ) throws -> ProgramSet {
    let object = try BPFObject(bytes: snapshot.object(of: Self.main), name: Self.name)
    try object.setStructOps(
      Pins.structOps, type: "tcp_congestion_ops", member: "name", to: name.congestion,
      capacity: Int(CONGESTION_NAME_BYTES))
    let set = try ProgramSet(
      loading: [object], main: Pins.mainProgram, snapshot: snapshot, shared: shared)
    var settings = congestion_settings()
    settings.controller = configuration.controller
    try Pins.write(settings, successor: name.congestion, to: set.map(Pins.settings))
    return set
  }

  package func drain(_ generation: PinnedGeneration) throws {
    _ = try Self.visit(generation, Pins.drainProgram)
  }

  /// Runs an iterator over all flows of a program set, and gives what it wrote. Where the kernel refuses
  /// iterators over sockets' memory, those over sockets were loaded in their place.
  static func visit(_ generation: PinnedGeneration, _ program: String) throws -> [UInt8] {
    do {
      return try generation.program(program).iterate(over: generation.map(Pins.flows))
    } catch {
      guard let other = try? generation.program(program + Pins.overSockets) else { throw error }
      return try other.iterateOverNamespaces()
    }
  }

  /// Each flow goes over to the default of before on its next ACK; a default that named the instance is set
  /// back.
  package func release(_ instance: PinnedInstance, narrate: Narrator) throws {
    let own = instance.name.congestion
    if before.isEmpty {
      try Self.releaseUnread(instance.name, narrate: narrate)
    } else if TCPSettings.defaultCongestionControl == own {
      try TCPSettings.setDefaultCongestionControl(before)
      narrate("set the default congestion control back to \(before)")
    }
    // New flows must not find the name while running ones leave it.
    instance.detachLinks()
    guard !before.isEmpty, before != own else { return }
    for generation in instance.generations { try Self.handOn(generation, to: before) }
  }

  package static func releaseUnread(_ name: InstanceName, narrate: Narrator) throws {
    guard TCPSettings.defaultCongestionControl == name.congestion else { return }
    let plain = try TCPSettings.setPlainCongestionControl()
    narrate("set the default congestion control to \(plain): what it was before cannot be read")
  }

  /// Sends a program set's flows to another congestion control, each on its next ACK.
  static func handOn(_ generation: PinnedGeneration, to successor: String) throws {
    let map = try generation.map(Pins.settings)
    let settings = try map.value(at: 0, as: congestion_settings.self)
    try Pins.write(settings, successor: successor, to: map)
    generation.control.isRetired = true
  }
}

extension CongestionControl {
  /// The default of before, a zero, and the controller's settings.
  package var record: [UInt8] {
    Array(before.utf8) + [0] + withUnsafeBytes(of: configuration.controller) { Array($0) }
  }

  package init(record: [UInt8]) throws {
    guard let end = record.firstIndex(of: 0) else {
      throw DatapathError(
        .foreignVersion, "the settings of a congestion control cannot be read",
        remedy: "detach it and attach again")
    }
    var configuration = CongestionConfiguration()
    let settings = record[(end + 1)...]
    // Another version's settings are of no use, but the default of before is.
    if settings.count == MemoryLayout<mcc_config>.size {
      configuration.controller = settings.withUnsafeBytes { $0.loadUnaligned(as: mcc_config.self) }
    }
    self.init(configuration)
    before = String(decoding: record[..<end], as: UTF8.self)
  }
}

extension CongestionControl {
  /// What a program set has beside what every function's does.
  enum Pins {
    static let structOps = "congestion_ops"
    static let settings = "congestion_config"
    static let flows = "congestion_flows"
    static let mainProgram = "congestion_main"
    static let listProgram = "congestion_list"
    static let drainProgram = "congestion_drain"
    /// What follows the name of the same over sockets.
    static let overSockets = "_tcp"

    static func write(
      _ settings: congestion_settings, successor: String, to map: BPFMap
    ) throws {
      var settings = settings
      withUnsafeMutableBytes(of: &settings.successor) { raw in
        let name = Array(successor.utf8.prefix(raw.count - 1))
        raw.copyBytes(from: name + [UInt8](repeating: 0, count: raw.count - name.count))
      }
      try map.set(settings, at: 0)
    }
  }
}

extension InstanceName {
  /// TCP's name: the kernel takes no `-` in the name of a congestion control that is loaded as eBPF, so it
  /// becomes `_`.
  package var congestion: String { text.replacing("-", with: "_") }
}

extension InstanceStatus {
  /// By which TCP selects the instance; empty when it is no congestion control.
  package var congestion: String { details["congestion"]?.string ?? "" }
}

extension InstanceStatus.Slot {
  package var guardEvents: UInt64 { counters["guard_events"] ?? 0 }
  package var timeouts: UInt64 { counters["timeouts"] ?? 0 }
  /// ACKs without memory for the flow's state.
  package var stateless: UInt64 { counters["stateless"] ?? 0 }
}
