/// One direction of an emulated link: losses and a policer, then a bottleneck with a buffer, then a delay
/// line.
package struct PathConfiguration: Codable, Equatable, Sendable {
  /// Service rate in bits per second of IP packets; nil: as the trace says, or as fast as the machine goes.
  package var bitsPerSecond: Double?
  /// When packets can be served, instead of a constant rate.
  package var trace: DeliveryTrace?
  /// One-way propagation delay.
  package var delayNanoseconds: UInt64
  /// Most bytes of IP packets in the bottleneck, the packet in service included; nil: only `LinkLimits`
  /// bounds it.
  package var bufferBytes: Int?
  /// Probability that a packet is lost before it reaches the queue.
  package var lossProbability: Double
  /// Loss in bursts, on top of that.
  package var burstLoss: BurstLoss?
  /// Segments that others overtake in the delay line.
  package var reordering: Reordering?
  /// Probability that a segment arrives twice. The copy takes nothing of the bottleneck's rate.
  package var duplicateProbability: Double
  /// Queue length in bytes above which arriving ECN-capable packets are marked.
  package var markAboveBytes: Int?
  /// Most TCP segments that travel as one unit; nil: `LinkLimits.segmentsPerUnit`.
  package var segmentsPerUnit: Int?
  /// What drops packets before the queue that exceed a rate.
  package var policer: Policing?
  /// What the bottleneck does before its buffer is full.
  package var queue: QueueDiscipline
  /// The delay line lets packets out at multiples of this since the link's start, as Wi-Fi and DOCSIS send in
  /// batches: a packet's time is rounded up.
  package var aggregationNanoseconds: UInt64?
  /// Packets of one port that travel longer.
  package var portDelay: PortDelay?

  package init(
    bitsPerSecond: Double? = nil, delayNanoseconds: UInt64 = 0, bufferBytes: Int? = nil,
    lossProbability: Double = 0, markAboveBytes: Int? = nil, segmentsPerUnit: Int? = nil,
    trace: DeliveryTrace? = nil, burstLoss: BurstLoss? = nil, reordering: Reordering? = nil,
    duplicateProbability: Double = 0, policer: Policing? = nil, queue: QueueDiscipline = .droptail,
    aggregationNanoseconds: UInt64? = nil, portDelay: PortDelay? = nil
  ) {
    self.bitsPerSecond = bitsPerSecond
    self.trace = trace
    self.delayNanoseconds = delayNanoseconds
    self.bufferBytes = bufferBytes
    self.lossProbability = lossProbability
    self.burstLoss = burstLoss
    self.reordering = reordering
    self.duplicateProbability = duplicateProbability
    self.markAboveBytes = markAboveBytes
    self.segmentsPerUnit = segmentsPerUnit
    self.policer = policer
    self.queue = queue
    self.aggregationNanoseconds = aggregationNanoseconds
    self.portDelay = portDelay
  }
}

/// An emulated link: two directions and what they share.
package struct LinkConfiguration: Codable, Equatable, Sendable {
  /// Client to server.
  package var forward: PathConfiguration
  /// Server to client.
  package var backward: PathConfiguration
  /// Largest IP packet in bytes.
  package var mtu: Int
  /// Seed of losses, reordering and duplication.
  package var seed: UInt64
  /// Width of the recorder's time bins.
  package var binNanoseconds: UInt64
  /// Take on a link above `LinkCeiling` all the same; a run in which the emulator falls behind says so.
  package var ignoresCeiling = false

  package init(
    forward: PathConfiguration, backward: PathConfiguration, mtu: Int = 1500, seed: UInt64 = 1,
    binNanoseconds: UInt64 = 10_000_000
  ) {
    self.forward = forward
    self.backward = backward
    self.mtu = mtu
    self.seed = seed
    self.binNanoseconds = binNanoseconds
  }

  /// Throws `badParameter` for a link that cannot be emulated.
  package func validate() throws {
    try forward.validate(named: "forward")
    try backward.validate(named: "backward")
    guard (576...9000).contains(mtu) else {
      throw TestbedError(.badParameter, "MTU \(mtu) is out of range.", remedy: "Use 576 to 9000 bytes.")
    }
    guard (100_000...10_000_000_000).contains(binNanoseconds) else {
      throw TestbedError(
        .badParameter, "Recorder bins of \(binNanoseconds) ns are out of range.",
        remedy: "Use 0.1 ms to 10 s.")
    }
    try validatePolicer(forward, named: "forward")
    try validatePolicer(backward, named: "backward")
    try validateCeiling(forward, named: "forward")
    try validateCeiling(backward, named: "backward")
  }

  private func validatePolicer(_ path: PathConfiguration, named name: String) throws {
    guard let policer = path.policer, policer.burstBytes < mtu else { return }
    throw TestbedError(
      .badParameter,
      "The \(name) path's policer has a burst of \(policer.burstBytes) bytes, in which no full packet fits.",
      remedy: "Use a burst of at least the MTU, \(mtu) bytes.")
  }

  private func validateCeiling(_ path: PathConfiguration, named name: String) throws {
    let segments = LinkLimits.segmentsPerUnit(path, mtu: mtu)
    let ceiling = LinkCeiling.bitsPerSecond(segmentsPerUnit: segments, mtu: mtu)
    guard !ignoresCeiling, let rate = path.meanBitsPerSecond, rate > ceiling else { return }
    let carried =
      path.needsSingleSegments
      ? "packets one by one, as this path needs"
      : "units of \(segments) packets"
    throw TestbedError(
      .badParameter,
      "The \(name) path's \(megabits(rate)) are beyond the emulator's ceiling of \(megabits(ceiling)) with "
        + carried + ".",
      remedy: "Use a lower rate. `medulla link --ceiling` measures what this machine carries; "
        + "`--beyond-ceiling` tries.")
  }

  private func megabits(_ bitsPerSecond: Double) -> String {
    "\(decimal(bitsPerSecond / 1e6, 0)) Mbit/s"
  }
}

extension PathConfiguration {
  func validate(named name: String) throws {
    func refuse(_ what: String, _ remedy: String) -> TestbedError {
      TestbedError(.badParameter, "The \(name) path's \(what) is out of range.", remedy: remedy)
    }
    if let bitsPerSecond, !(1_000...100e9).contains(bitsPerSecond) {
      throw refuse("rate of \(bitsPerSecond) bit/s", "Use 1 kbit/s to 100 Gbit/s.")
    }
    if let trace, bitsPerSecond != nil {
      throw refuse("rate beside the trace \(trace.name)", "Give one of the two.")
    }
    if delayNanoseconds > LinkLimits.delayNanoseconds {
      throw refuse("delay of \(delayNanoseconds) ns", "Use at most 10 s.")
    }
    if let bufferBytes, !(1...LinkLimits.heldBytes).contains(bufferBytes) {
      throw refuse("buffer of \(bufferBytes) bytes", "Use 1 to \(LinkLimits.heldBytes) bytes.")
    }
    if !(0...1).contains(lossProbability) {
      throw refuse("loss probability of \(lossProbability)", "Use 0 to 1.")
    }
    if let burstLoss, !burstLoss.isValid {
      throw refuse(
        "burst loss", "Use probabilities from 0 to 1, and more than 0 from bad to good.")
    }
    if let reordering, !reordering.isValid {
      throw refuse("reordering", "Use a share of 0 to 1, and an extra delay of at most 10 s.")
    }
    if !(0...1).contains(duplicateProbability) {
      throw refuse("duplication probability of \(duplicateProbability)", "Use 0 to 1.")
    }
    if let markAboveBytes, markAboveBytes < 0 {
      throw refuse("marking threshold of \(markAboveBytes) bytes", "Use 0 or more bytes.")
    }
    if let segmentsPerUnit, !(1...LinkLimits.segments).contains(segmentsPerUnit) {
      throw refuse("unit of \(segmentsPerUnit) segments", "Use 1 to \(LinkLimits.segments).")
    }
    if let policer, !policer.isValid {
      throw refuse(
        "policer", "Use a rate of 1 kbit/s to 100 Gbit/s, and a burst of 1 to \(LinkLimits.heldBytes) bytes.")
    }
    if let aggregationNanoseconds, !(1...LinkLimits.delayNanoseconds).contains(aggregationNanoseconds) {
      throw refuse("aggregation of \(aggregationNanoseconds) ns", "Use at most 10 s.")
    }
    if let portDelay, !portDelay.isValid {
      throw refuse("port with a delay", "Use a port of 1 to 65535, and an extra delay of at most 10 s.")
    }
    try validateTogether(named: name)
  }

  /// What excludes each other.
  private func validateTogether(named name: String) throws {
    func refuse(_ what: String) -> TestbedError {
      TestbedError(
        .badParameter, "The \(name) path has \(what).", remedy: "Give one of the two.")
    }
    if queue != .droptail, markAboveBytes != nil {
      throw refuse("a marking threshold beside \(queue.rawValue)")
    }
    // Each has a delay line of its own, in which packets stay in order.
    if portDelay != nil, reordering != nil { throw refuse("a port with a delay beside reordering") }
  }

  /// The constant rate or the trace's mean.
  package var meanBitsPerSecond: Double? { bitsPerSecond ?? trace?.meanBitsPerSecond }

  /// Whether something is drawn or timed for each segment, so that segments travel one by one.
  var needsSingleSegments: Bool {
    trace != nil || lossProbability > 0 || burstLoss != nil || reordering != nil || duplicateProbability > 0
      || policer != nil || queue != .droptail || aggregationNanoseconds != nil
  }

  /// Bytes of a bandwidth-delay product for a round trip of `roundTripNanoseconds`; nil without a rate.
  package func bandwidthDelayBytes(roundTripNanoseconds: UInt64) -> Int? {
    meanBitsPerSecond.map { Int(($0 * Double(roundTripNanoseconds) / 8e9).rounded(.up)) }
  }
}

/// Bounds of the emulator, each with its reason.
package enum LinkLimits {
  /// Longest one-way delay: beyond it TCP's handshake timer fires first.
  package static let delayNanoseconds: UInt64 = 10_000_000_000
  /// Most bytes that one path holds in queue and delay line, so that no workload exhausts memory.
  package static let heldBytes = 512 << 20
  /// Most segments of a unit: a TCP super-segment has at most 64 KiB.
  package static let segments = 44
  /// Most opportunities of a trace: 20 minutes of 10 Mbit/s; the worker searches and holds them.
  package static let traceOpportunities = 1 << 20
  /// Most bytes of a trace's file, which is read as a whole.
  package static let traceBytes = 16 << 20
  /// Longest trace: a day.
  package static let traceMilliseconds: UInt32 = 86_400_000
  /// Bins of one recording: 20 minutes of 10 ms.
  package static let bins = 120_000
  /// Packets read from one device before the other has its turn.
  package static let readsPerTurn = 64
  /// A delivery later than this is late, and a frame that was taken from its device later than this.
  package static let lateNanoseconds: UInt64 = 1_000_000
  /// Share of late deliveries, or of late frames, from which a run is marked as fallen behind.
  package static let lateShare = 0.01

  /// Most segments of a unit where the path does not ask for more.
  package static let segmentsPerUnitAtMost = 8

  /// Segments that travel as one unit: as many as the bottleneck sends in 0.2 ms, 1 to 8, so that a unit's
  /// last segment is hardly later than on a real link and fast links still save system calls. Losses and the
  /// like are drawn per segment, policers and queue disciplines decide about each, batches are timed by each,
  /// and a trace's opportunities are single packets: such paths carry them one by one.
  package static func segmentsPerUnit(_ path: PathConfiguration, mtu: Int) -> Int {
    if let asked = path.segmentsPerUnit { return asked }
    guard !path.needsSingleSegments else { return 1 }
    guard let rate = path.bitsPerSecond else { return segmentsPerUnitAtMost }
    return min(segmentsPerUnitAtMost, max(1, Int(rate * 0.0002 / Double(mtu * 8))))
  }
}
