import CMedullaABI
import MedullaPayload

/// Flows whose segments are lost, repeated, overlap with other bytes, and lie; a consumer that fetches, gives
/// back and forgets; and what a reassembler and its model make of it.
struct StreamScenario {
  private static let frameBytes = 48

  private var reassembler: StreamReassembler
  private var model: StreamModel
  /// Packet memory. What is released is written over.
  private var memory: [UInt8]
  private var freeFrames: [Int]
  private var names: [StreamName: StreamModel.Flow] = [:]
  private var known: [StreamName] = []
  private let storage: Int
  private var time = 0
  /// By flow: how often it has begun.
  private var lives = [Int](repeating: 0, count: 8)
  private var salt: UInt8 = 0

  /// - Returns: segments by what became of them.
  static func run(_ source: inout ByteSource) throws(Violation) -> [StreamCause: Int] {
    guard var scenario = StreamScenario(&source) else { return [:] }
    while !source.isEmpty {
      try scenario.step(&source)
      try scenario.check()
    }
    try scenario.close()
    return scenario.model.causes
  }

  private init?(_ source: inout ByteSource) {
    var limits = StreamLimits()
    limits.flows = 1 + source.next(below: 8)
    limits.frames = 1 + source.next(below: 40)
    limits.segmentsPerFlow = 1 + source.next(below: limits.frames)
    limits.window = 1 + source.next(below: 100)
    limits.idle = UInt64(1 + source.next(below: 60))
    limits.lifetime = UInt64(1 + source.next())
    limits.endedFlows = 1 + source.next(below: 8)
    limits.memory = UInt64(source.next(below: 100))
    let choices = source.next()
    let want = StreamWant(
      head: 1 + source.next(below: 120), tail: choices & 1 == 0 ? 0 : choices >> 2,
      takesMidStream: choices & 2 != 0)
    guard let made = try? StreamReassembler(limits: limits, want: want, seed: UInt64(choices)) else {
      return nil
    }
    reassembler = made
    model = StreamModel(limits: limits, want: want)
    freeFrames = Array(0..<(limits.frames + 3))
    memory = [UInt8](repeating: 0xEE, count: freeFrames.count * Self.frameBytes)
    storage = made.storageBytes
  }

  private mutating func step(_ source: inout ByteSource) throws(Violation) {
    let choice = source.next()
    switch choice & 15 {
    case 0...9: try send(&source)
    case 10: time += choice >> 4
    case 11: try expire()
    case 12: try lend(name(&source), limit: choice >> 4 == 0 ? .max : choice >> 4)
    case 13: try giveBack(name(&source), count: choice >> 4)
    case 14: try finish(name(&source))
    default: try drain()
    }
  }

  private func name(_ source: inout ByteSource) -> StreamName? {
    let back = source.next(below: 10)
    return back < known.count ? known[known.count - 1 - back] : nil
  }

  private static func key(_ number: Int) -> StreamKey {
    var key = medulla_flow_key()
    key.source_port = UInt16(number)
    key.protocol = UInt8(number < 5 ? PACKET_TCP : PACKET_UDP)
    return StreamKey(key)
  }

  /// A segment that its sender means, at a place near what is missing; now and then one that lies.
  private mutating func segment(_ source: inout ByteSource) -> StreamModel.Segment {
    let (which, what) = (source.next(), source.next())
    let number = which & 7
    let live = model.live(number)
    var segment = StreamModel.Segment(
      number: number, isTCP: number < 5, flags: Int(PACKET_ACK), sequence: 0, bytes: [])
    let size = 20 + 9 * number
    // Numbers wrap around in some flows.
    func first(_ life: Int) -> Int { (0xFFFF_FFF0 + number * 5 + life * 1_000) & 0xFFFF_FFFF }
    salt &+= 1
    let length = live?.length ?? 0
    var position = max(0, min(size, length + [0, 0, 0, 4, 9, 17, -6, -40][what & 7]))
    var count = which >> 3
    switch what >> 4 {
    case 0, 1:
      segment.flags = Int(PACKET_SYN)
      if live == nil || what & 8 != 0 { lives[number] += 1 }
      (position, count) = (0, what & 7 == 0 ? count : 0)
    case 2: count = 0
    case 3 where what & 8 != 0:
      segment.flags = Int(PACKET_RST)
      position += what & 4 == 0 ? 0 : -1
    case 4: position += source.next()
    default: break
    }
    if what >> 4 != 4 { count = max(0, min(count, size - position)) }
    if position + count == size || what >> 4 == 5 && what & 8 != 0 { segment.flags |= Int(PACKET_FIN) }
    let start = live?.start ?? first(lives[number]) + 1
    segment.sequence = (segment.has(PACKET_SYN) ? first(lives[number]) : start + position) & 0xFFFF_FFFF
    segment.bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) &* 3 &+ salt }
    if !segment.isTCP { (segment.flags, segment.sequence) = (0, 0) }
    return segment
  }

  private mutating func send(_ source: inout ByteSource) throws(Violation) {
    let segment = segment(&source)
    guard let frame = freeFrames.popLast() else { return }
    let place = frame * Self.frameBytes
    memory.replaceSubrange((place + 5)..<(place + 5 + segment.bytes.count), with: segment.bytes)
    model.clock = time
    let before = model.live(segment.number)
    let length = before?.length ?? 0
    let flows = model.flows.count
    let expected = model.take(segment, frame: frame, source: place + 5)
    let outcome = reassembler.take(
      StreamSegment(
        key: Self.key(segment.number), isTCP: segment.isTCP, flags: UInt8(segment.flags),
        sequence: UInt32(segment.sequence), start: 5, length: segment.bytes.count),
      frame: UInt64(frame), place: place, at: UInt64(time))
    try Violation.unless(
      outcome.cause == expected, "a segment is \(outcome.cause), not \(expected): \(segment)")
    try Violation.unless(outcome.keepsFrame == (expected == .accepted), "the frame is kept wrongly")
    if expected != .accepted { free(frame) }
    guard let name = outcome.flow else {
      return try Violation.unless(expected != .accepted && expected != .control, "an outcome without a flow")
    }
    if outcome.begins {
      guard model.flows.count == flows + 1, let flow = model.flows.last else {
        throw Violation(text: "a flow begins wrongly")
      }
      try Violation.unless(names.updateValue(flow, forKey: name) == nil, "a name was given twice")
      known.append(name)
    } else {
      try Violation.unless(names[name] === before, "a segment was told of another flow")
    }
    guard let flow = names[name] else { return }
    try Violation.unless(outcome.hasNews == (flow.length > length), "news are told wrongly")
    try Violation.unless(outcome.ends == (flow.ending != nil), "a flow ends wrongly")
  }

  private mutating func free(_ frame: Int) {
    for at in (frame * Self.frameBytes)..<((frame + 1) * Self.frameBytes) { memory[at] = 0xEE }
    freeFrames.append(frame)
  }

  private mutating func expire() throws(Violation) {
    model.clock = time
    while let told = reassembler.nextExpired(at: UInt64(time)) {
      guard let flow = names[told.name], model.isDue(flow) else {
        throw Violation(text: "a flow expired that is not due")
      }
      let isOld = time - flow.began >= Int(model.limits.lifetime)
      model.close(flow, isOld ? .aged : .idle)
      try check(told, flow)
    }
    try Violation.unless(!model.flows.contains { model.isDue($0) }, "a flow did not expire")
  }

  private func check(_ told: StreamFlow, _ flow: StreamModel.Flow) throws(Violation) {
    try Violation.unless(
      told.length == flow.length && told.ending == flow.ending && told.held == flow.runs.count
        && told.lent == flow.lent && told.refused == flow.refused && Int(told.began) == flow.began,
      "a flow is told wrongly: \(told)")
  }

  private func open(_ name: StreamName) -> StreamModel.Flow? {
    names[name].flatMap { flow in model.flows.contains { $0 === flow } ? flow : nil }
  }

  private mutating func lend(_ name: StreamName?, limit: Int) throws(Violation) {
    guard let name else { return }
    var pieces: [PayloadPiece] = []
    let count = reassembler.lend(name, limit: limit) { pieces.append($0) }
    guard let flow = open(name) else { return try Violation.unless(count == 0, "an ended flow was lent") }
    let expected = model.lendable(flow).prefix(limit).map {
      PayloadPiece(source: $0.source, destination: $0.position, length: $0.bytes.count)
    }
    try Violation.unless(pieces == expected && count == pieces.count, "other pieces were lent")
    flow.lent += count
  }

  /// What the consumer has is what was first sent, until it gives it back.
  private func read(_ flow: StreamModel.Flow, _ count: Int) throws(Violation) {
    for run in flow.runs.prefix(count) {
      try Violation.unless(
        memory[run.source..<(run.source + run.bytes.count)] == run.bytes[...], "wrong bytes were delivered")
    }
  }

  private mutating func giveBack(_ name: StreamName?, count: Int) throws(Violation) {
    guard let name else { return }
    let flow = open(name)
    if let flow { try read(flow, min(count, flow.lent)) }
    let expected = flow.map { model.giveBack($0, count) } ?? 0
    try Violation.unless(reassembler.giveBack(name, count: count) == expected, "another number went back")
  }

  private mutating func finish(_ name: StreamName?) throws(Violation) {
    guard let name else { return }
    let flow = open(name)
    if let flow {
      try lend(name, limit: .max)
      try read(flow, flow.lent)
    }
    try Violation.unless(reassembler.finish(name) == (flow != nil), "finished twice")
    if let flow { model.finish(flow) }
  }

  private mutating func drain() throws(Violation) {
    var frames: [Int] = []
    reassembler.drainReleased { frames += $0.map { Int($0) } }
    try Violation.unless(frames.sorted() == model.released.sorted(), "other frames were released")
    model.released = []
    for frame in frames { free(frame) }
    try Violation.unless(Set(freeFrames).count == freeFrames.count, "a frame was released twice")
  }

  private func check() throws(Violation) {
    try Violation.unless(reassembler.heldFrames == model.held.count, "frames are held wrongly")
    try Violation.unless(model.held.count <= model.limits.frames, "more frames are held than may be")
    try Violation.unless(reassembler.storageBytes == storage, "memory has grown")
    try Violation.unless(reassembler.flowsUnderWay == model.flows.count, "flows are counted wrongly")
    let counts = reassembler.counts
    for cause in StreamCause.allCases {
      try Violation.unless(
        counts[cause] == UInt64(model.causes[cause, default: 0]), "segments \(cause) are counted wrongly")
    }
    for ending in StreamEnding.allCases {
      try Violation.unless(
        counts[ending] == UInt64(model.endings[ending, default: 0]), "flows \(ending) are counted wrongly")
    }
    try Violation.unless(
      counts.begun == UInt64(model.begun) && counts.midStream == UInt64(model.midStream), "begun wrongly")
    for name in known.suffix(8) {
      guard let flow = open(name) else {
        try Violation.unless(reassembler.flow(name) == nil, "a flow is there wrongly")
        continue
      }
      guard let told = reassembler.flow(name) else { throw Violation(text: "a flow is gone") }
      try check(told, flow)
    }
  }

  /// When the consumer has finished with all flows, every frame is back.
  private mutating func close() throws(Violation) {
    for name in known { try finish(name) }
    try drain()
    try Violation.unless(freeFrames.count == model.limits.frames + 3, "frames were lost")
  }
}
