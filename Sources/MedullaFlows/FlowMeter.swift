import CMedullaABI

/// Tells the flows of frames apart, and measures each: what the kernel's table of flows does, for captures.
///
/// A value without a clock: times are the packets' own. Flows, and which of them a packet is of, follow
/// `flow_state.h`, as in the kernel.
package struct FlowMeter {
  package struct Counts: Sendable, Equatable {
    package var frames = 0
    /// No IPv4 or IPv6, a fragment that is not the first, or a header that is not whole.
    package var withoutFlow = 0
  }

  /// Of all flows that a meter holds; each takes about a kilobyte.
  package static let flowLimit = 1_000_000

  /// A flow that has been silent for longer is over, in microseconds.
  package let idleMicroseconds: UInt64
  package private(set) var counts = Counts()
  /// In the order in which they began.
  package private(set) var flows: [FlowRecord] = []
  private var open: [FlowKey: Int] = [:]
  private var pairs: [PairKey: flow_pair] = [:]
  private var log = flow_log()
  /// Places of flows that were forgotten.
  private var unused: [Int] = []

  package init(idle: Duration) {
    let (seconds, attoseconds) = idle.components
    idleMicroseconds = UInt64(max(seconds, 0)) * 1_000_000 + UInt64(max(attoseconds, 0)) / 1_000_000_000_000
  }

  /// All flows of a capture.
  ///
  /// - Parameters:
  ///   - broken: is told where the capture ends in the middle; flows until there are measured.
  ///   - after: is told of each packet's flow, by its place among `flows`, as it is with the packet.
  ///   - before: is told of each frame before its flow is measured.
  package static func measure(
    _ capture: CaptureFile, idle: Duration, broken: (CaptureError) -> Void,
    after: (Int, FlowRecord) -> Void = { _, _ in }, before: (CaptureFrame) -> Void = { _ in }
  ) throws(CaptureError) -> FlowMeter {
    var meter = FlowMeter(idle: idle)
    while true {
      let frame: CaptureFrame?
      do {
        frame = try capture.next()
      } catch {
        broken(error)
        return meter
      }
      guard let frame else { return meter }
      before(frame)
      if let place = try meter.take(frame, of: capture.link) { after(place, meter.flows[place]) }
    }
  }

  /// - Returns: the flow's place among `flows`; nil: the frame is of none.
  @discardableResult
  package mutating func take(_ frame: CaptureFrame, of link: LinkLayer) throws(CaptureError) -> Int? {
    counts.frames += 1
    var packet = medulla_packet()
    guard link.parse(frame.bytes, into: &packet) else {
      counts.withoutFlow += 1
      return nil
    }
    medulla_turn(&packet)
    var seen = flow_packet()
    seen.time_us = frame.nanoseconds / 1_000
    seen.length = UInt32(clamping: frame.length)
    seen.segments = 1
    let index = try flow(of: packet, at: seen.time_us)
    flow_take(&flows[index].state, &packet, &seen)
    if packet.payload > 0, flows[index].state.head_bytes == 0, frame.bytes.count > Int(packet.header) {
      let payload = frame.bytes[Int(packet.header)...].prefix(Int(packet.payload))
      payload.withMemoryRebound(to: UInt8.self) { bytes in
        flow_note_head(&flows[index].state, bytes.baseAddress, UInt32(bytes.count))
      }
    }
    pairs[PairKey(packet)].map { pair in
      var pair = pair
      flow_tell(&pair, flows[index].state.past.number, seen.length)
      pairs[PairKey(packet)] = pair
    }
    return index
  }

  /// The packet's flow: the one that is open, or a new one.
  private mutating func flow(of packet: medulla_packet, at time: UInt64) throws(CaptureError) -> Int {
    let key = FlowKey(packet.key)
    var packet = packet
    if let index = open[key], flow_is_over(&flows[index].state, &packet, time, idleMicroseconds) == 0 {
      return index
    }
    guard flows.count < Self.flowLimit || !unused.isEmpty else {
      throw CaptureError(
        .tooManyFlows, "the capture has more than \(Self.flowLimit) flows",
        remedy: "cut it into pieces: editcap -i 60 CAPTURE PIECE")
    }
    var state = flow_state()
    flow_join(&state.past, &pairs[PairKey(packet), default: flow_pair()], time)
    flow_compare(&state.past, &log, &packet)
    let (source, destination) =
      packet.reversed == 0
      ? (packet.key.source, packet.key.destination) : (packet.key.destination, packet.key.source)
    let record = FlowRecord(source: source, destination: destination, state: state)
    let place = unused.popLast() ?? flows.count
    if place < flows.count { flows[place] = record } else { flows.append(record) }
    open[key] = place
    return place
  }

  /// Forgets flows that are over at a time, in microseconds: their places are others' from then on. For what
  /// measures without end.
  ///
  /// - Parameter forgotten: is told of each place.
  package mutating func forgetOver(at time: UInt64, _ forgotten: (Int) -> Void) {
    for (key, place) in open where flows[place].isOver(at: time, idle: idleMicroseconds) {
      open[key] = nil
      unused.append(place)
      forgotten(place)
    }
    // What is known of two hosts is as old as their last flow.
    if pairs.count > Self.flowLimit { pairs.removeAll() }
  }

  /// Flows that are known now.
  package var openFlows: Int { open.count }
}

/// `struct medulla_flow_key` as words.
package struct FlowKey: Hashable, Sendable {
  private let words: SIMD8<UInt64>

  package init(_ key: medulla_flow_key) {
    words = withUnsafeBytes(of: key) { bytes in
      var words = SIMD8<UInt64>()
      for index in 0..<5 { words[index] = bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) }
      return words
    }
  }
}

/// `struct flow_pair_key` as words.
struct PairKey: Hashable {
  private let words: SIMD4<UInt64>

  init(_ packet: medulla_packet) {
    var packet = packet
    words = withUnsafeBytes(of: flow_pair_of(&packet)) { $0.loadUnaligned(as: SIMD4<UInt64>.self) }
  }
}
