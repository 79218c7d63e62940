/// The controlled-delay discipline of RFC 8289, section 5, at its default target and interval. Where the RFC
/// drops, an ECN-capable packet is marked and sent instead, as Linux does.
///
/// The RFC's `deque` drops packets in a loop until it has one to send. Here each packet is asked about in
/// turn, at the same time as the one before it when that was dropped: `schedulesNext` stands for the place
/// in the loop where the RFC goes on.
struct CoDel: Equatable {
  /// The wait that is acceptable for longer than an interval.
  static let targetNanoseconds: UInt64 = 5_000_000
  static let intervalNanoseconds: UInt64 = 100_000_000
  /// Intervals after a dropping state for which its rate of drops is remembered.
  private static let rememberedIntervals: UInt64 = 16

  /// A queue of one packet or less is never too long.
  private let packetBytes: Int
  /// When the wait will have been above the target for an interval; nil: it is below.
  private var firstAbove: UInt64?
  private var isDropping = false
  /// Drops or marks of this dropping state, and what it began with.
  private var count = 0
  private var lastCount = 0
  private var dropNext: UInt64 = 0
  private var schedulesNext = false

  init(packetBytes: Int) { self.packetBytes = packetBytes }

  /// What becomes of a packet whose turn it is at `time`.
  mutating func leave(
    at time: UInt64, waited: UInt64, queueBytes: Int, isCapable: Bool
  ) -> ActiveQueue.Fate {
    guard isAboveForLong(at: time, waited: waited, queueBytes: queueBytes) else {
      (isDropping, schedulesNext) = (false, false)
      return .pass
    }
    guard isDropping else {
      enterDropping(at: time)
      return isCapable ? .mark : .drop
    }
    if schedulesNext {
      dropNext = Self.next(after: dropNext, count)
      schedulesNext = false
    }
    guard time >= dropNext else { return .pass }
    count += 1
    guard isCapable else {
      schedulesNext = true
      return .drop
    }
    dropNext = Self.next(after: dropNext, count)
    return .mark
  }

  /// The RFC's `dodequeue`.
  private mutating func isAboveForLong(at time: UInt64, waited: UInt64, queueBytes: Int) -> Bool {
    guard waited >= Self.targetNanoseconds, queueBytes > packetBytes else {
      firstAbove = nil
      return false
    }
    guard let firstAbove else {
      self.firstAbove = time &+ Self.intervalNanoseconds
      return false
    }
    return time >= firstAbove
  }

  /// Begins with the rate of the last dropping state, if that was not long ago.
  private mutating func enterDropping(at time: UInt64) {
    isDropping = true
    let change = count - lastCount
    let isRecent = time < dropNext &+ Self.rememberedIntervals * Self.intervalNanoseconds
    count = change > 1 && isRecent ? change : 1
    dropNext = Self.next(after: time, count)
    lastCount = count
  }

  /// The control law: an interval over the root of the count.
  private static func next(after time: UInt64, _ count: Int) -> UInt64 {
    time &+ UInt64(Double(intervalNanoseconds) / Double(count).squareRoot())
  }
}
