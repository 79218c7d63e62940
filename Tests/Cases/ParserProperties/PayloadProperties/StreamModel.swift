import CMedullaABI
import MedullaPayload

/// What a reassembler must do, byte by byte, without a thought of speed.
struct StreamModel {
  /// Bytes of one segment that follow one another.
  struct Run {
    var frame: Int
    var position: Int
    var source: Int
    var bytes: [UInt8]
    var end: Int { position + bytes.count }
  }

  final class Flow {
    let number: Int
    let isTCP: Bool
    let start: Int
    let began: Int
    var touched: Int
    var length = 0
    var end: Int?
    /// Not given back, by position.
    var runs: [Run] = []
    var lent = 0
    var refused = 0
    var ending: StreamEnding?

    init(_ number: Int, isTCP: Bool, start: Int, at time: Int) {
      (self.number, self.isTCP, self.start, began, touched) = (number, isTCP, start, time, time)
    }
  }

  struct Segment {
    var number: Int
    var isTCP: Bool
    var flags: Int
    var sequence: Int
    var bytes: [UInt8]
    func has(_ flag: Int32) -> Bool { flags & Int(flag) != 0 }
  }

  let limits: StreamLimits
  let want: StreamWant
  var flows: [Flow] = []
  var ended: [(number: Int, time: Int, ending: StreamEnding)] = []
  var released: [Int] = []
  var causes: [StreamCause: Int] = [:]
  var endings: [StreamEnding: Int] = [:]
  var begun = 0
  var midStream = 0
  var clock = 0

  /// Frames of which anything is held.
  var held: Set<Int> { Set(flows.flatMap { $0.runs.map(\.frame) }) }

  func live(_ number: Int) -> Flow? { flows.first { $0.number == number && $0.ending == nil } }

  func isDue(_ flow: Flow) -> Bool {
    flow.ending == nil
      && (clock - flow.touched >= Int(limits.idle) || clock - flow.began >= Int(limits.lifetime))
  }

  mutating func take(_ segment: Segment, frame: Int, source: Int) -> StreamCause {
    let cause = judge(segment, frame, source)
    causes[cause, default: 0] += 1
    return cause
  }

  private mutating func judge(_ segment: Segment, _ frame: Int, _ source: Int) -> StreamCause {
    let (isSYN, isRST) = (segment.has(PACKET_SYN), segment.has(PACKET_RST))
    if let flow = live(segment.number) {
      if isDue(flow) { return .late }
      let cause = heed(segment, frame, source, flow)
      if cause == .noMemory || cause == .flowFull { flow.refused += 1 }
      return cause
    }
    if let past = ended.last(where: { $0.number == segment.number }),
      clock - past.time <= Int(limits.memory),
      !(segment.isTCP ? isSYN && !isRST : past.ending == .idle || past.ending == .aged)
    {
      return .afterEnd
    }
    if segment.isTCP, isRST || !isSYN && (!want.takesMidStream || segment.bytes.isEmpty) {
      return .withoutStart
    }
    if flows.count == limits.flows { return .noSlot }
    let start = isSYN ? segment.sequence + 1 : segment.sequence
    let flow = Flow(segment.number, isTCP: segment.isTCP, start: start & 0xFFFF_FFFF, at: clock)
    flows.append(flow)
    let cause = heed(segment, frame, source, flow)
    let isHeeded = cause == .accepted || cause == .control
    if isHeeded {
      begun += 1
      if segment.isTCP, !isSYN { midStream += 1 }
    } else {
      flows.removeAll { $0 === flow }
    }
    return cause
  }

  private mutating func heed(
    _ segment: Segment, _ frame: Int, _ source: Int, _ flow: Flow
  ) -> StreamCause {
    let (position, cause) = place(segment, flow)
    var result = cause
    if result == nil, segment.has(PACKET_RST), segment.isTCP {
      close(flow, .reset)
      return .control
    }
    if result == nil, segment.bytes.isEmpty { result = .control }
    let isEnd = segment.isTCP && segment.has(PACKET_FIN)
    if result == nil {
      result = keep(segment.bytes, position, frame, source, flow)
      if isEnd ? ![.accepted, .repeated, .notWanted].contains(result) : result != .accepted {
        return result ?? .control
      }
    }
    guard let result, cause == nil else { return cause ?? .control }
    if isEnd { flow.end = position + segment.bytes.count }
    flow.touched = clock
    if flow.end == flow.length {
      close(flow, .whole)
    } else if want.tail == 0, flow.length >= want.head {
      close(flow, .enough)
    }
    return result
  }

  /// Where a segment's bytes belong, or why it is refused.
  private func place(_ segment: Segment, _ flow: Flow) -> (Int, StreamCause?) {
    guard segment.isTCP else { return (flow.length, nil) }
    func ahead(_ sequence: Int) -> Int {
      let distance = (sequence - flow.start - flow.length) & 0xFFFF_FFFF
      return distance < 1 << 31 ? distance : distance - 1 << 32
    }
    if segment.has(PACKET_RST) {
      return (0, (0..<limits.window).contains(ahead(segment.sequence)) ? nil : .inconsistent)
    }
    let isSYN = segment.has(PACKET_SYN)
    let sequence = (segment.sequence + (isSYN ? 1 : 0)) & 0xFFFF_FFFF
    if isSYN, sequence != flow.start { return (0, .inconsistent) }
    let position = flow.length + ahead(sequence)
    let end = position + segment.bytes.count
    if let known = flow.end, end > known { return (0, .beyondEnd) }
    if end > flow.length + limits.window { return (0, .beyondWindow) }
    if segment.has(PACKET_FIN) {
      let furthest = max(flow.length, flow.runs.map(\.end).max() ?? 0)
      if flow.end ?? end != end || end < furthest { return (0, .inconsistent) }
    }
    return (position, nil)
  }

  private mutating func keep(
    _ bytes: [UInt8], _ position: Int, _ frame: Int, _ source: Int, _ flow: Flow
  ) -> StreamCause {
    let limit = want.tail > 0 ? Int.max : want.head
    let wanted = (position..<(position + bytes.count)).filter { $0 < limit }
    if wanted.isEmpty { return .notWanted }
    let missing = wanted.filter { at in
      at >= flow.length && !flow.runs.contains { $0.position <= at && at < $0.end }
    }
    if missing.isEmpty { return .repeated }
    var runs: [Run] = []
    for at in missing {
      if let last = runs.last, last.end == at {
        runs[runs.count - 1].bytes.append(bytes[at - position])
      } else {
        runs.append(
          Run(frame: frame, position: at, source: source + at - position, bytes: [bytes[at - position]]))
      }
    }
    if flow.runs.count + runs.count > limits.segmentsPerFlow { return .flowFull }
    let records = flows.reduce(0) { $0 + $1.runs.count }
    if held.count + released.count >= limits.frames || records + runs.count > limits.frames {
      return .noMemory
    }
    flow.runs = (flow.runs + runs).sorted { $0.position < $1.position }
    for run in flow.runs where run.position == flow.length { flow.length = run.end }
    if want.tail > 0 {
      let (head, length, tail) = (want.head, flow.length, want.tail)
      drop(flow) { $0.position >= head && $0.end <= length - tail }
    }
    return .accepted
  }

  private mutating func drop(_ flow: Flow, _ isDropped: (Run) -> Bool) {
    let before = held
    flow.runs.removeAll(where: isDropped)
    released += before.subtracting(held)
  }

  mutating func close(_ flow: Flow, _ ending: StreamEnding) {
    flow.ending = ending
    endings[ending, default: 0] += 1
    ended.append((flow.number, clock, ending))
    if ended.count > limits.endedFlows { ended.removeFirst() }
    let length = flow.length
    drop(flow) { $0.position >= length }
  }

  func lendable(_ flow: Flow) -> ArraySlice<Run> {
    flow.runs.filter { $0.end <= flow.length && (flow.ending != nil || $0.position < want.head) }
      .dropFirst(flow.lent)
  }

  mutating func giveBack(_ flow: Flow, _ count: Int) -> Int {
    let number = min(count, flow.lent)
    let before = held
    flow.runs.removeFirst(number)
    flow.lent -= number
    released += before.subtracting(held)
    return number
  }

  mutating func finish(_ flow: Flow) {
    if flow.ending == nil { close(flow, .dropped) }
    drop(flow) { _ in true }
    flows.removeAll { $0 === flow }
  }
}
