/// What followed a decision of the congestion control, over the monitor interval after it.
public struct CongestionOutcome: Sendable, Equatable {
  /// Packets acknowledged, lost, and marked with congestion experienced.
  public var acknowledged: Int64
  public var lost: Int64
  public var marked: Int64
  /// Mean round-trip time of the interval in microseconds; 0: no sample.
  public var roundTripMicroseconds: Int64
  /// The connection's minimum, in microseconds.
  public var minimumRoundTripMicroseconds: Int64
  /// Length of the interval in microseconds.
  public var intervalMicroseconds: Int64
  /// The pacing rate at its end and what was delivered, in bytes of payload a second.
  public var rate: Int64
  public var deliveryRate: Int64

  /// Words of a sample's `outcomes`.
  public static let count = 8

  /// nil when the words are not a congestion control's.
  public init?(_ words: [Int64]) {
    guard words.count == Self.count else { return nil }
    acknowledged = words[0]
    lost = words[1]
    marked = words[2]
    roundTripMicroseconds = words[3]
    minimumRoundTripMicroseconds = words[4]
    intervalMicroseconds = words[5]
    rate = words[6]
    deliveryRate = words[7]
  }

  /// In the order in which the kernel writes them.
  public var words: [Int64] {
    [
      acknowledged, lost, marked, roundTripMicroseconds, minimumRoundTripMicroseconds, intervalMicroseconds,
      rate, deliveryRate,
    ]
  }
}
