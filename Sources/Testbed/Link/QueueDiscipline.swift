/// What a bottleneck does before its buffer is full.
package enum QueueDiscipline: String, Codable, CaseIterable, Sendable {
  /// Nothing.
  case droptail
  /// Controlled delay: RFC 8289.
  case codel
  /// Proportional integral controller enhanced: RFC 8033.
  case pie
}

/// The discipline of one path's queue while it runs.
struct ActiveQueue {
  /// What becomes of a packet.
  enum Fate: Equatable {
    case pass
    /// It is ECN-capable, and carries Congestion Experienced from now on.
    case mark
    case drop
  }

  private(set) var discipline = QueueDiscipline.droptail
  private var codel: CoDel?
  private var pie: PIE?
  private let seed: UInt64

  /// - Parameters:
  ///   - seed: of PIE's draws.
  ///   - mtu: the largest packet.
  init(_ discipline: QueueDiscipline, mtu: Int, seed: UInt64, at time: UInt64) {
    self.seed = seed
    follow(discipline, mtu: mtu, at: time)
  }

  /// Whether it has to hear of packets.
  var isActive: Bool { discipline != .droptail }

  /// Follows another discipline, which begins anew; the same one goes on.
  mutating func follow(_ next: QueueDiscipline, mtu: Int, at time: UInt64) {
    guard next != discipline else { return }
    discipline = next
    codel = next == .codel ? CoDel(packetBytes: mtu) : nil
    pie = next == .pie ? PIE(packetBytes: mtu, seed: seed, at: time) : nil
  }

  /// A packet arrives that fits the buffer.
  ///
  /// - Parameter queueBytes: that wait, without the packet in service.
  @inline(__always)
  mutating func arrive(queueBytes: Int, isCapable: Bool) -> Fate {
    pie?.arrive(queueBytes: queueBytes, isCapable: isCapable) ?? .pass
  }

  /// A packet leaves the queue at `time`, unless it is dropped.
  ///
  /// - Parameter queueBytes: that wait behind it.
  @inline(__always)
  mutating func leave(at time: UInt64, arrival: UInt64, queueBytes: Int, isCapable: Bool) -> Fate {
    pie?.leave(at: time, waited: time &- arrival, queueBytes: queueBytes)
    return codel?.leave(at: time, waited: time &- arrival, queueBytes: queueBytes, isCapable: isCapable)
      ?? .pass
  }

  /// Nothing left the queue until `time`.
  @inline(__always)
  mutating func elapse(to time: UInt64) { pie?.elapse(to: time) }
}
