import MedullaDatapath

/// What followed a decision of the congestion control, over the monitor interval after it.
package struct CongestionOutcome: Sendable, Equatable {
  /// Packets acknowledged, lost, and marked with congestion experienced.
  package var acknowledged: Int64
  package var lost: Int64
  package var marked: Int64
  /// Mean round-trip time of the interval in microseconds; 0: no sample.
  package var roundTripMicroseconds: Int64
  /// Of the empty path as far as the flow knew it, in microseconds.
  package var minimumRoundTripMicroseconds: Int64
  /// Length of the interval in microseconds.
  package var intervalMicroseconds: Int64
  /// The pacing rate at its end and what was delivered, in bytes of payload a second.
  package var rate: Int64
  package var deliveryRate: Int64

  /// The words of a sample's `outcomes`, as others call them.
  package static let fields = [
    OutcomeField("acknowledged", unit: "packets"), OutcomeField("lost", unit: "packets"),
    OutcomeField("marked", unit: "packets"), OutcomeField("rtt_us", unit: "us"),
    OutcomeField("min_rtt_us", unit: "us"), OutcomeField("interval_us", unit: "us"),
    OutcomeField("rate", unit: "bytes/s"), OutcomeField("delivery_rate", unit: "bytes/s"),
  ]

  /// nil when the words are not a congestion control's.
  package init?(_ words: [Int64]) {
    guard words.count == Self.fields.count else { return nil }
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
  package var words: [Int64] {
    [
      acknowledged, lost, marked, roundTripMicroseconds, minimumRoundTripMicroseconds, intervalMicroseconds,
      rate, deliveryRate,
    ]
  }
}
