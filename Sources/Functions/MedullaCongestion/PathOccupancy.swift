/// The flows of one kind of path, and the most that they got of it together.
///
/// A flow shares a path with those whose time overlaps with its own, not with all that came within the same
/// second: flows that come one after another each have all of it. How many were beside a flow in an interval
/// is known for sure only when the others have told of that time too, so an interval counts for the most when
/// the flow tells of its next one, or is heard no more.
struct PathOccupancy {
  private struct Flow {
    let number: UInt64
    let start: UInt64
    var last: Interval
  }

  private struct Interval {
    let start: UInt64
    let end: UInt64
    let rate: Double
  }

  /// One after another in memory: each sample is held against all of them.
  private var flows: ContiguousArray<Flow> = []
  /// Where each flow is among them.
  private var places: [UInt64: Int] = [:]
  /// The most of this period and of the one before.
  private var most = 0.0
  private var before = 0.0

  /// A flow is remembered for so long after its last interval.
  static let memory: UInt64 = 1_000_000_000
  static let flowLimit = 1_024

  /// Takes in what a flow got in an interval.
  ///
  /// - Returns: that times the flows beside it, as a part of the most, up to 1.
  mutating func note(flow: UInt64, from start: UInt64, to end: UInt64, rate: Double) -> Double {
    let interval = Interval(start: start, end: end, rate: rate)
    let beside: Double
    if let place = places[flow] {
      let last = flows[place].last
      beside = count(to: flow, in: last)
      most = max(most, last.rate * beside)
      flows[place].last = interval
    } else {
      beside = count(to: flow, in: interval)
      if flows.count < Self.flowLimit {
        places[flow] = flows.count
        flows.append(Flow(number: flow, start: start, last: interval))
      }
    }
    let most = max(most, before)
    return most > 0 ? min(rate * beside / most, 1) : 1
  }

  /// Drops flows that are heard no more.
  mutating func forget(at now: UInt64) {
    for flow in flows where flow.last.end &+ Self.memory < now {
      most = max(most, flow.last.rate * count(to: flow.number, in: flow.last))
    }
    flows.removeAll { $0.last.end &+ Self.memory < now }
    places = Dictionary(uniqueKeysWithValues: flows.enumerated().map { ($1.number, $0) })
  }

  /// Begins a new period; the most of the old one counts on only when it is the one just before.
  mutating func turn(isNext: Bool) {
    before = isNext ? most : 0
    most = 0
  }

  /// The flow and those beside it in an interval, each by the part of it in which it was there.
  private func count(to flow: UInt64, in interval: Interval) -> Double {
    let length = max(Double(interval.end &- interval.start), 1)
    var count = 1.0
    for other in flows where other.number != flow {
      let (start, end) = (max(other.start, interval.start), min(other.last.end, interval.end))
      if end > start { count += min(Double(end - start) / length, 1) }
    }
    return count
  }
}
