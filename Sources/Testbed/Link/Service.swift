/// How a path serves its queue: at a constant rate, or at a trace's opportunities.
enum Service: Equatable {
  case constant(ServiceSchedule)
  case trace(TraceSchedule)

  /// - Parameter origin: when a trace begins.
  init(_ path: PathConfiguration, origin: UInt64) {
    if let trace = path.trace {
      self = .trace(TraceSchedule(trace, origin: origin))
    } else {
      self = .constant(ServiceSchedule(bitsPerSecond: path.bitsPerSecond))
    }
  }

  /// Follows another configuration from the next packet on. A trace that stays goes on where it is; a trace
  /// cannot begin in mid-run, and where one ends, the packets that wait are served from `time` on.
  mutating func change(_ path: PathConfiguration, at time: UInt64) {
    guard path.trace == nil else { return }
    switch self {
    case .constant(var schedule):
      schedule.change(bitsPerSecond: path.bitsPerSecond)
      self = .constant(schedule)
    case .trace: self = .constant(ServiceSchedule(bitsPerSecond: path.bitsPerSecond, busyUntil: time))
    }
  }

  /// Serves a unit: when its service begins and ends.
  @inline(__always)
  mutating func serve(arrival: UInt64, bytes: Int, segments: Int) -> (start: UInt64, end: UInt64) {
    switch self {
    case .constant(var schedule):
      let start = schedule.start(arrival: arrival)
      schedule.serve(arrival: arrival, bytes: bytes)
      self = .constant(schedule)
      return (start, schedule.busyUntil)
    case .trace(var schedule):
      let span = schedule.serve(
        arrival: arrival, bytes: bytes + segments * DeliveryTrace.overheadBytes)
      self = .trace(schedule)
      return span
    }
  }

  /// When that unit's service would begin.
  func start(arrival: UInt64, bytes: Int, segments: Int) -> UInt64 {
    var later = self
    return later.serve(arrival: arrival, bytes: bytes, segments: segments).start
  }

  /// When that unit's service would end.
  @inline(__always)
  func end(arrival: UInt64, bytes: Int, segments: Int) -> UInt64 {
    switch self {
    case .constant(let schedule): return schedule.end(arrival: arrival, bytes: bytes)
    case .trace(var schedule):
      return schedule.serve(arrival: arrival, bytes: bytes + segments * DeliveryTrace.overheadBytes).end
    }
  }
}
