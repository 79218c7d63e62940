/// Packets of one burst that one acknowledgement covers, with what Linux notes in each packet when it is
/// sent (`tcp_rate_skb_sent`). Times are in nanoseconds.
struct PacketGroup {
  /// When the acknowledgement reaches the sender.
  var arrival: Int64 = 0
  var sent: Int64 = 0
  /// The sender's `first_tx_mstamp`, `delivered_mstamp` and `delivered` when the packets left.
  var firstSent: Int64 = 0
  var deliveredStamp: Int64 = 0
  var delivered: Int64 = 0
  var count: Int32 = 0
  /// Packets lost since the group before; the sender learns of them with this acknowledgement.
  var lostBefore: Int32 = 0
  var isRetransmission = false
  var isApplicationLimited = false
}

/// A first-in, first-out queue that grows by doubling and never shrinks.
struct PacketGroupQueue {
  private var base: UnsafeMutablePointer<PacketGroup>
  private var capacity: Int
  private var head = 0
  private(set) var count = 0

  init(capacity: Int = 256) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
    base.initialize(repeating: PacketGroup(), count: capacity)
  }

  func deallocate() { base.deallocate() }

  @inline(__always)
  var first: UnsafeMutablePointer<PacketGroup>? { count > 0 ? base + head : nil }

  @inline(__always)
  mutating func append(_ group: PacketGroup) {
    if count == capacity { grow() }
    base[(head + count) & (capacity - 1)] = group
    count += 1
  }

  @inline(__always)
  mutating func removeFirst() -> PacketGroup {
    let group = base[head]
    head = (head + 1) & (capacity - 1)
    count -= 1
    return group
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<PacketGroup>.allocate(capacity: capacity * 2)
    larger.initialize(repeating: PacketGroup(), count: capacity * 2)
    for index in 0..<count { larger[index] = base[(head + index) & (capacity - 1)] }
    base.deallocate()
    base = larger
    head = 0
    capacity *= 2
  }
}
