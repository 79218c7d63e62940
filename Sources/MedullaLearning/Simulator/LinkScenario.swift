/// What is simulated: one bottleneck with a droptail buffer, the flows that share it, and the noise of hosts.
package struct LinkScenario: Sendable, Equatable {
  /// One bulk or on-off sender.
  package struct Flow: Sendable, Equatable {
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
  /// Unresponsive Poisson traffic in bits a second.
  package var crossRate: Double = 0
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

  package static let flowLimit = 64

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
    try demand(crossRate >= 0 && jitter >= 0 && stallEvery >= 0 && stallLongest >= 0, "negative noise")
  }
}
