import CMedullaABI
import MedullaEngines
import MedullaFlows
import MedullaPayload

/// The first and the last bytes of a file, of each at most a block: all that a network of file types needs.
package struct FileEnds {
  /// nil: it came as an object.
  let stream: StreamKey?
  let name: String
  let size: Int
  private var first: [UInt8] = []
  /// The last bytes, in a ring of a block.
  private var ring: [UInt8] = []
  private let block: Int

  init(stream: StreamKey?, name: String, size: Int, block: Int) {
    self.stream = stream
    self.name = name
    self.size = size
    self.block = block
  }

  /// Takes bytes that begin at a place of the file, in any order.
  mutating func take(_ bytes: UnsafeRawBufferPointer, at place: Int) {
    if place < block {
      let end = min(block, place + bytes.count)
      if first.count < end { first += [UInt8](repeating: 0, count: end - first.count) }
      for at in place..<end { first[at] = bytes[at - place] }
    }
    let from = max(place, size - block)
    guard from < place + bytes.count else { return }
    if ring.isEmpty { ring = [UInt8](repeating: 0, count: block) }
    for at in from..<(place + bytes.count) { ring[at % block] = bytes[at - place] }
  }

  /// The first bytes, and the last ones.
  var head: [UInt8] { Array(first.prefix(min(size, block))) }
  var tail: [UInt8] {
    let count = min(size, block)
    return (0..<count).map { ring[(size - count + $0) % block] }
  }

  func features(_ configuration: FileTypeConfiguration) -> FileTypeFeatures {
    head.withUnsafeBytes { head in
      tail.withUnsafeBytes { FileTypeFeatures(head: head, tail: $0, size: size, configuration) }
    }
  }
}

/// TCP's streams, of which the ends are copied as segments pass by.
struct CopiedStreams {
  private static let slotBytes = 2_048
  private static let slotsPerFlow = 16
  private static let idle: UInt64 = 5_000_000_000

  private var reassembler: StreamReassembler
  private let memory: SlotMemory
  private var free: [UInt32]
  private let block: Int

  var counts: StreamCounts { reassembler.counts }
  /// Segments that were not looked at: no room was left, or they were longer than a frame.
  private(set) var passedOver: UInt64 = 0

  init(block: Int, flows: Int) throws(PayloadError) {
    self.block = block
    var limits = StreamLimits()
    limits.flows = flows
    limits.frames = min(flows * Self.slotsPerFlow, 1 << 16)
    limits.segmentsPerFlow = min(limits.frames, 256)
    limits.idle = Self.idle
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

/// Objects of kind `bytes`, of which the ends are copied as packets come, so that no frame waits for others.
struct FileObjects {
  private static let deadline: UInt64 = 10_000_000_000
  private static let objects = 1_024

  private var assembler: ObjectAssembler
  private var files: [ObjectName: FileEnds] = [:]
  private let block: Int

  var counts: AssemblyCounts { assembler.counts }

  init(block: Int, limit: Int) throws(PayloadError) {
    self.block = block
    var limits = AssemblyLimits()
    limits.objects = Self.objects
    limits.packetsPerObject = 1 << 16
    limits.frames = 1 << 20
    limits.bytes = max(limit, 1 << 28)
    assembler = try ObjectAssembler(
      limits: limits, streams: [:],
      others: StreamProfile(
        format: .bytes(limit: limit), deadline: Self.deadline, objectLimit: Self.objects),
      seed: .random(in: .min ... .max))
  }

  /// - Returns: an object that is whole with this packet.
  mutating func take(_ datagram: UnsafeRawBufferPointer, at now: UInt64) -> FileEnds? {
    let outcome = assembler.take(PayloadPacket(frame: 0, place: 0, datagram: datagram), at: now)
    guard outcome.keepsFrame, let name = outcome.object else { return nil }
    if outcome.begins, let object = assembler.object(name) {
      files[name] = FileEnds(
        stream: nil, name: "stream \(object.stream) object \(object.number)", size: object.size, block: block)
    }
    // The piece is read now, whatever order it comes in, and its frame is not needed any more.
    let count = assembler.lend(name) { piece in
      files[name]?.take(
        UnsafeRawBufferPointer(rebasing: datagram[PayloadHeader.bytes...].prefix(piece.length)),
        at: piece.destination)
    }
    assembler.giveBack(name, count: count)
    assembler.drainReleased { _ in }
    guard outcome.completes else { return nil }
    assembler.finish(name)
    return files.removeValue(forKey: name)
  }

  mutating func expire(at now: UInt64) {
    while let object = assembler.nextExpired(at: now) { files[object.name] = nil }
    assembler.drainReleased { _ in }
  }
}

extension PayloadHeader {
  /// Whether a datagram says that it carries a piece of an object.
  static func isObject(_ datagram: UnsafeRawBufferPointer) -> Bool {
    datagram.count >= bytes
      && UInt32(bigEndian: datagram.loadUnaligned(as: UInt32.self)) == magic
  }
}
