import CMedullaABI
import MedullaFlows
import MedullaPayload

/// Streams of TCP and UDP, of which the ends are copied as segments pass by.
struct CopiedStreams {
  private static let slotBytes = 2_048
  private static let slotsPerFlow = 16

  private var reassembler: StreamReassembler
  private let memory: SlotMemory
  private var free: [UInt32]
  private let block: Int

  var counts: StreamCounts { reassembler.counts }
  /// Segments that were not looked at: no room was left, or they were longer than a frame.
  private(set) var passedOver: UInt64 = 0

  /// - Parameter idle: nanoseconds of silence after which a stream has ended.
  init(block: Int, flows: Int, idle: UInt64) throws(PayloadError) {
    self.block = block
    var limits = StreamLimits()
    limits.flows = flows
    limits.frames = min(flows * Self.slotsPerFlow, 1 << 16)
    limits.segmentsPerFlow = min(limits.frames, 256)
    limits.idle = idle
    reassembler = try StreamReassembler(
      limits: limits, want: StreamWant(head: block, tail: block), seed: .random(in: .min ... .max))
    memory = SlotMemory(slots: limits.frames, bytes: Self.slotBytes)
    free = (0..<UInt32(limits.frames)).reversed()
  }

  /// - Returns: a stream that has ended with this segment.
  mutating func take(
    _ segment: StreamSegment, _ payload: UnsafeRawBufferPointer, at now: UInt64
  ) -> FileEnds? {
    guard let slot = free.last, payload.count <= Self.slotBytes else {
      passedOver += 1
      return nil
    }
    let start = Int(slot) * Self.slotBytes
    // The reassembler adds the payload's place in its frame.
    let outcome = reassembler.take(segment, frame: UInt64(slot), place: start - segment.start, at: now)
    if outcome.keepsFrame {
      free.removeLast()
      memory.store(payload, at: start)
    }
    var file: FileEnds?
    if outcome.ends, let name = outcome.flow { file = finish(name) }
    drain()
    return file
  }

  /// A stream that has been silent for too long; what there is of it is told. nil: there is none.
  mutating func nextExpired(at now: UInt64) -> FileEnds? {
    while let flow = reassembler.nextExpired(at: now) {
      let file = finish(flow.name)
      drain()
      if let file { return file }
    }
    return nil
  }

  private mutating func finish(_ name: StreamName) -> FileEnds? {
    guard let flow = reassembler.flow(name) else { return nil }
    var file = FileEnds(stream: flow.key, name: Self.text(flow.key), size: flow.length, block: block)
    let bytes = memory.bytes
    reassembler.lend(name) { piece in
      file.take(
        UnsafeRawBufferPointer(rebasing: bytes[piece.source..<(piece.source + piece.length)]),
        at: piece.destination)
    }
    reassembler.finish(name)
    // A direction in which nothing was said is no file.
    return flow.length > 0 && flow.ending != .dropped ? file : nil
  }

  private mutating func drain() {
    reassembler.drainReleased { slots in
      for slot in slots { free.append(UInt32(truncatingIfNeeded: slot)) }
    }
  }

  static func text(_ key: StreamKey) -> String {
    let flow = key.flow
    let count = flow.version == 4 ? 4 : 16
    let source = withUnsafeBytes(of: flow.source) { AddressText.text(Array($0.prefix(count))) }
    let destination = withUnsafeBytes(of: flow.destination) { AddressText.text(Array($0.prefix(count))) }
    return "\(source):\(UInt16(bigEndian: flow.source_port)) > \(destination):"
      + "\(UInt16(bigEndian: flow.destination_port))"
  }
}

/// Copies of segments.
private final class SlotMemory {
  private let memory: UnsafeMutableRawBufferPointer

  init(slots: Int, bytes: Int) {
    memory = .allocate(byteCount: slots * bytes, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { memory.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }

  func store(_ payload: UnsafeRawBufferPointer, at place: Int) {
    UnsafeMutableRawBufferPointer(rebasing: memory[place..<(place + payload.count)]).copyMemory(from: payload)
  }
}
