/// A droptail bottleneck. Its queue is the time until it has served what it has accepted, so a packet
/// costs no event of its own; a packet that is in the queue when the rate changes is served at the old rate.
struct SimulatedLink {
  /// Nanoseconds for one full packet.
  private(set) var serialization: Double
  private let packetBytes: Int
  private let bufferBytes: Int
  /// The backlog, in nanoseconds of service, that leaves just enough room for one more packet.
  private var fullBacklog: Double
  /// When the last accepted packet has been served.
  private(set) var free: Double = 0
  private(set) var accepted: Int64 = 0
  private(set) var dropped: Int64 = 0
  /// The sum of the times that accepted packets waited before their own service.
  private(set) var waited: Double = 0
  private let policer: LinkScenario.Policer?
  /// Bytes in the policer's bucket, and since when.
  private var tokens: Double
  private var filled = 0.0

  init(rate: Double, packetBytes: Int, bufferBytes: Int, policer: LinkScenario.Policer? = nil) {
    self.policer = policer
    tokens = policer?.burst ?? 0
    self.packetBytes = packetBytes
    self.bufferBytes = bufferBytes
    serialization = 0
    fullBacklog = 0
    change(rate: rate)
  }

  mutating func change(rate: Double) {
    serialization = Double(packetBytes) * 8e9 / rate
    fullBacklog = serialization * (Double(bufferBytes) / Double(packetBytes) - 1)
  }

  /// Offers a packet; nil: dropped, else when it leaves.
  @inline(__always)
  mutating func offer(at now: Double) -> Double? {
    if !isAllowed(at: now) {
      dropped += 1
      return nil
    }
    let wait = free > now ? free - now : 0
    if wait > fullBacklog + 1e-3 {
      dropped += 1
      return nil
    }
    waited += wait
    accepted += 1
    free = now + wait + serialization
    return free
  }

  @inline(__always)
  private mutating func isAllowed(at now: Double) -> Bool {
    guard let policer else { return true }
    tokens = min(tokens + max(now - filled, 0) * policer.rate / 8e9, policer.burst)
    filled = max(now, filled)
    guard tokens >= Double(packetBytes) else { return false }
    tokens -= Double(packetBytes)
    return true
  }
}
