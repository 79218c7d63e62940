/// What happened in one phase of the experiment `updates`.
public struct UpdatesPhase: Codable, Equatable, Sendable {
  public var index: Int
  /// Whether snapshots were replaced in it.
  public var updating: Bool
  public var seconds: Double
  public var updates: Int
  /// Times that an update had to wait for a slot.
  public var waits: Int
  /// Segments sent again by the flows, and segments that the emulated buffer refused.
  public var retransmits: Int
  public var dropped: Int
  public var goodputMbps: Double
  public var queueingDelayMeanMs: Double
  /// Decisions whose time was taken in the kernel.
  public var decisions: Int
  /// Mean nanoseconds of a decision, second by second.
  public var decisionNs: [Double]
  /// Milliseconds of each call that made a staged snapshot active.
  public var promotionMs: [Double]
  /// How many of them had real-time priority; the others' times have waits for a processor in them.
  public var realTimePromotions = 0
  /// The emulator was late too often for exact figures.
  public var fellBehind: Bool

  /// Mean over its seconds.
  public var decisionMeanNs: Double { Statistics.mean(decisionNs) }

  public var line: String {
    "\(updating ? "updates" : "control") \(String(index).indenting(2)): \(updates) updates, "
      + "\(retransmits) retransmissions, \(dropped) dropped, goodput \(decimal(goodputMbps, 1)) Mbit/s, "
      + "decision \(decimal(decisionMeanNs, 0)) ns"
      + (promotionMs.isEmpty ? "" : ", promotion \(decimal(Statistics.quantile(promotionMs, 0.5), 2)) ms")
  }
}

/// Times of decisions, read from an instance's counts as differences between two looks.
struct DecisionClock {
  private struct Seen {
    var count = 0.0
    var nanoseconds = 0.0
  }

  /// By the snapshot's version, which is never given twice: a slot's counts begin anew with its snapshot.
  private var seen: [UInt64: Seen] = [:]

  /// A slot's version, its timed decisions and their mean.
  typealias Reading = (version: UInt64, count: UInt64, mean: Double?)

  /// Decisions since the last look, and their mean time; nil when there were none.
  mutating func advance(_ slots: [Reading]) -> (count: Int, mean: Double)? {
    var total = Seen()
    for slot in slots {
      let now = Seen(count: Double(slot.count), nanoseconds: (slot.mean ?? 0) * Double(slot.count))
      let last = seen[slot.version] ?? Seen()
      total.count += max(0, now.count - last.count)
      total.nanoseconds += max(0, now.nanoseconds - last.nanoseconds)
      seen[slot.version] = now
    }
    let present = Set(slots.map(\.version))
    seen = seen.filter { present.contains($0.key) }
    return total.count > 0 ? (Int(total.count), total.nanoseconds / total.count) : nil
  }
}
