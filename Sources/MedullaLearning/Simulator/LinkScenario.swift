/// What is simulated: one bottleneck with a droptail buffer, the flows that share it, and the noise of hosts.
package struct LinkScenario: Sendable, Equatable {
  /// Who decides how fast a flow sends.
  package enum Sender: String, Sendable, Equatable, Codable {
    /// The controller with its network.
    case network
    case cubic
    case bbr
  }

  /// One bulk or on-off sender.
  package struct Flow: Sendable, Equatable {
    package var sender = Sender.network
    /// When it has no more data, in seconds of simulated time.
    package var end = Double.infinity
    /// When the flow starts, in seconds of simulated time.
    package var start: Double
    /// Round-trip propagation time in seconds, without queueing and serialization.
    package var roundTrip: Double
    /// Seconds of sending and of silence, in turn; nil: bulk data without end.
    package var onOff: OnOff?

    package init(start: Double = 0, roundTrip: Double, onOff: OnOff? = nil) {
      self.start = start
      self.roundTrip = roundTrip
      self.onOff = onOff
    }
  }

  package struct OnOff: Sendable, Equatable {
    package var on: Double
    package var off: Double

    package init(on: Double, off: Double) {
      self.on = on
      self.off = off
    }
  }

  /// From `time` on (seconds) every round trip is longer by `extra` (seconds).
  package struct RouteChange: Sendable, Equatable {
    package var time: Double
    package var extra: Double

    package init(time: Double, extra: Double) {
      self.time = time
      self.extra = extra
    }
  }

  /// A token bucket before the queue: what finds too few tokens is dropped.
  package struct Policer: Sendable, Equatable {
    /// Bits a second, and bytes.
    package var rate: Double
    package var burst: Double

    package init(rate: Double, burst: Double) {
      self.rate = rate
      self.burst = burst
    }
  }

  /// Loss in bursts (Gilbert, 1960): in bad times all packets are lost.
  package struct BurstLoss: Sendable, Equatable {
    /// Probability, at each packet, that a bad time begins, and that it ends.
    package var toBad: Double
    package var toGood: Double

    package init(toBad: Double, toGood: Double) {
      self.toBad = toBad
      self.toGood = toGood
    }
  }

  /// From `time` on (seconds) the bottleneck carries `rate` (bits of packets a second).
  package struct CapacityChange: Sendable, Equatable {
    package var time: Double
    package var rate: Double

    package init(time: Double, rate: Double) {
      self.time = time
      self.rate = rate
    }
  }

  /// Bits a second, counted over whole packets.
  package var rate: Double
  /// Droptail buffer in bytes of whole packets; the packet in service counts.
  package var bufferBytes: Int
  /// Probability that a packet is lost independently of the queue.
  package var loss: Double
  package var flows: [Flow]
  package var changes: [CapacityChange] = []
  package var routes: [RouteChange] = []
  package var policer: Policer?
  package var burstLoss: BurstLoss?
  /// Acknowledgements arrive in batches, at multiples of so many seconds; 0: as they come.
  package var aggregation: Double = 0
  /// Rate of the way back in bits a second, of which an acknowledgement takes 66 bytes; 0: no limit.
  package var returnRate: Double = 0
  /// Unresponsive Poisson traffic in bits a second, and for how many seconds it comes and stays away by
  /// turns; nil: it is always there.
  package var crossRate: Double = 0
  package var crossPattern: OnOff?
  /// Bytes of a full packet on the link and of its payload.
  package var packetBytes = 1500
  package var payloadBytes = 1448
  /// Most packets that one acknowledgement covers (delayed ACKs, receive offload).
  package var acknowledgedTogether = 2
  /// Mean of the random delay of an acknowledgement, in seconds.
  package var jitter: Double = 0
  /// Mean time between stalls of the host and longest stall, in seconds; 0: none.
  package var stallEvery: Double = 0
  package var stallLongest: Double = 0
  package var seed: UInt64 = 1

  package init(rate: Double, bufferBytes: Int, loss: Double = 0, flows: [Flow]) {
    self.rate = rate
    self.bufferBytes = bufferBytes
    self.loss = loss
    self.flows = flows
  }

  package static let flowLimit = 1024

  /// Throws when a number makes no sense, naming it.
  func check() throws(LearningError) {
    func demand(_ holds: Bool, _ message: String) throws(LearningError) {
      if !holds { throw LearningError(.invalidScenario, message) }
    }
    try demand(rate >= 1000 && rate <= 1e12, "the rate must be 1 kb/s to 1 Tb/s, not \(rate)")
    try demand(packetBytes >= 64 && packetBytes <= 65536, "packets must have 64 to 65536 bytes")
    try demand(payloadBytes >= 1 && payloadBytes <= packetBytes, "the payload must fit in the packet")
    try demand(bufferBytes >= packetBytes, "the buffer must hold at least one packet")
    try demand(loss >= 0 && loss < 1, "the loss must be in [0, 1), not \(loss)")
    try demand(acknowledgedTogether >= 1, "an acknowledgement covers at least one packet")
    try demand(!flows.isEmpty && flows.count <= Self.flowLimit, "1 to \(Self.flowLimit) flows")
    for flow in flows {
      try demand(flow.start >= 0 && flow.roundTrip > 0 && flow.roundTrip < 100, "a flow's times are wrong")
      if let pattern = flow.onOff { try demand(pattern.on > 0 && pattern.off > 0, "on-off times are wrong") }
    }
    for (earlier, later) in zip(changes, changes.dropFirst()) {
      try demand(earlier.time <= later.time, "capacity changes must be in order of time")
    }
    for change in changes { try demand(change.rate >= 1000, "a capacity change is below 1 kb/s") }
    for (earlier, later) in zip(routes, routes.dropFirst()) {
      try demand(earlier.time <= later.time, "route changes must be in order of time")
    }
    for change in routes { try demand((0...100).contains(change.extra), "a route change is out of range") }
    if let policer {
      try demand(
        policer.rate >= 1000 && policer.burst >= Double(packetBytes), "the policer makes no sense")
    }
    if let burstLoss {
      try demand(
        (0...1).contains(burstLoss.toBad) && burstLoss.toGood > 0 && burstLoss.toGood <= 1,
        "the burst loss makes no sense")
    }
    try demand(aggregation >= 0 && returnRate >= 0, "the way back makes no sense")
    if let crossPattern {
      try demand(crossPattern.on > 0 && crossPattern.off > 0, "the cross traffic's times are wrong")
    }
    try demand(crossRate >= 0 && jitter >= 0 && stallEvery >= 0 && stallLongest >= 0, "negative noise")
  }
}
