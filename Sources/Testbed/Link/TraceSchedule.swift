/// When a path that follows a trace serves each packet, in virtual time.
///
/// A queue's packets share an opportunity's bytes, a packet that does not fit goes on in the next one, and
/// what no packet was waiting for is lost: a packet uses only opportunities at or after its arrival.
struct TraceSchedule: Equatable {
  private let opportunities: [UInt32]
  private let periodNanoseconds: UInt64
  /// When the present pass over the trace began.
  private var passStart: UInt64
  /// The opportunity in use, and what is left of it.
  private var place = 0
  private var bytesLeft = DeliveryTrace.opportunityBytes

  /// The trace begins at `origin`.
  init(_ trace: DeliveryTrace, origin: UInt64) {
    opportunities = trace.opportunities
    periodNanoseconds = trace.periodNanoseconds
    passStart = origin
  }

  /// When the opportunity in use is.
  private var time: UInt64 { passStart &+ UInt64(opportunities[place]) &* 1_000_000 }

  /// Serves a packet of `bytes`, overhead included: when its first and its last byte leave.
  mutating func serve(arrival: UInt64, bytes: Int) -> (start: UInt64, end: UInt64) {
    if time < arrival { skip(to: arrival) }
    if bytesLeft == 0 { step() }
    let start = time
    var left = bytes
    // Each round takes a whole opportunity off, so it ends after `bytes / opportunityBytes` rounds.
    while left > bytesLeft {
      left -= bytesLeft
      step()
    }
    bytesLeft -= left
    return (start, time)
  }

  private mutating func step() {
    bytesLeft = DeliveryTrace.opportunityBytes
    place += 1
    if place == opportunities.count {
      place = 0
      passStart &+= periodNanoseconds
    }
  }

  /// Goes to the first opportunity at or after `arrival`, which is after the present one.
  private mutating func skip(to arrival: UInt64) {
    bytesLeft = DeliveryTrace.opportunityBytes
    let passes = (arrival &- passStart &- 1) / periodNanoseconds
    passStart &+= passes &* periodNanoseconds
    // At most the period, which is the last opportunity: the search finds one.
    let wanted = UInt32((arrival &- passStart &+ 999_999) / 1_000_000)
    var low = passes > 0 ? 0 : place + 1
    var high = opportunities.count - 1
    while low < high {
      let middle = (low + high) / 2
      if opportunities[middle] < wanted { low = middle + 1 } else { high = middle }
    }
    place = low
  }
}
