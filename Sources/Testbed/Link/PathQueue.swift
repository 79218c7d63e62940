import Glibc

/// One direction of the link without its devices: frames go in with a time, units come out when due.
struct PathQueue {
  private var segmentsPerUnit: Int
  private var hasRate: Bool
  private var delayNanoseconds: UInt64
  private var markAboveBytes: Int
  /// When the last unit of each delay line is due: a shorter delay must not let a later one overtake it.
  private var lastDue: UInt64 = 0
  private var lastHeldBackDue: UInt64 = 0
  private var buffer: Droptail
  private var service: Service
  private var waiting = PacketList()
  private var travelling = PacketList()
  /// Those that the others overtake, in a delay line of their own.
  private var heldBack = PacketList()
  /// Bytes in queue and delay lines.
  private var heldBytes = 0
  private var impairment: Impairment
  private(set) var recorder: PathRecorder
  private(set) var malformedFrames = 0

  init(_ path: PathConfiguration, link: LinkConfiguration, seed: UInt64, origin: UInt64) {
    segmentsPerUnit = LinkLimits.segmentsPerUnit(path, mtu: link.mtu)
    hasRate = path.meanBitsPerSecond != nil
    delayNanoseconds = path.delayNanoseconds
    markAboveBytes = path.markAboveBytes ?? Int.max
    buffer = Droptail(limitBytes: path.bufferBytes ?? LinkLimits.heldBytes)
    service = Service(path, origin: origin)
    impairment = Impairment(path, seed: seed)
    recorder = PathRecorder(origin: origin, binNanoseconds: link.binNanoseconds)
  }

  var queueBytes: Int { buffer.heldBytes }

  /// A frame was read that may have waited in its device so long: the loop was too slow to take it, and the
  /// link's own queue knows nothing of it. A path without a rate promises no time.
  @inline(__always)
  mutating func noteFrame(waitedAtMost nanoseconds: UInt64) {
    if hasRate { recorder.noteFrame(waitedNanoseconds: nanoseconds) }
  }

  mutating func beginWindow(at time: UInt64) {
    advance(to: time)
    recorder.beginWindow(at: time)
  }

  /// Follows another configuration from `time` on, and begins a measuring window. What is in the delay line
  /// keeps its time; units stay in order when the delay gets shorter.
  ///
  /// - Parameter segmentLimit: most segments of a unit that the pool has room for.
  mutating func change(_ path: PathConfiguration, mtu: Int, segmentLimit: Int, at time: UInt64) {
    beginWindow(at: time)
    hasRate = path.meanBitsPerSecond != nil
    segmentsPerUnit = min(segmentLimit, LinkLimits.segmentsPerUnit(path, mtu: mtu))
    delayNanoseconds = path.delayNanoseconds
    markAboveBytes = path.markAboveBytes ?? Int.max
    buffer.limitBytes = path.bufferBytes ?? LinkLimits.heldBytes
    impairment.follow(path)
    service.change(path, at: time)
  }

  /// Takes in one frame (virtio-net header and packet) that arrived at `time`. A super-segment is cut into
  /// units of at most `segmentsPerUnit`, and into single segments where a whole unit no longer fits.
  mutating func accept(
    _ frame: UnsafePointer<UInt8>, length: Int, at time: UInt64, pool: inout PacketPool
  ) {
    guard length > VirtioHeader.bytes else {
      malformedFrames += 1
      return
    }
    advance(to: time)
    guard let whole = SuperSegment(frame: frame, length: length) else {
      guard let packet = pool.take(length) else {
        malformedFrames += 1
        return
      }
      memcpy(packet.pointee.bytes, frame, length)
      packet.pointee.length = length
      packet.pointee.wireBytes = length - VirtioHeader.bytes
      packet.pointee.segments = 1
      admit(packet, at: time, pool: &pool)
      return
    }
    // Ends after at most `whole.segments` rounds: each takes at least one segment.
    var offset = 0
    while offset < whole.payloadBytes {
      let wireSegment = whole.segmentBytes + whole.headerBytes
      let fits = buffer.fits(segmentsPerUnit * wireSegment)
      let count = min((fits ? segmentsPerUnit : 1) * whole.segmentBytes, whole.payloadBytes - offset)
      let length = VirtioHeader.bytes + whole.headerBytes + count
      guard let packet = pool.take(length) else {
        malformedFrames += 1
        return
      }
      let segments = (count + whole.segmentBytes - 1) / whole.segmentBytes
      packet.pointee.length = length
      packet.pointee.segments = segments
      packet.pointee.wireBytes = count + segments * whole.headerBytes
      whole.cut(frame, offset: offset, count: count, into: packet.pointee.bytes)
      admit(packet, at: time, pool: &pool)
      offset += count
    }
  }

  @inline(__always)
  private mutating func admit(_ packet: PacketPointer, at time: UInt64, pool: inout PacketPool) {
    let segments = packet.pointee.segments
    let bytes = packet.pointee.wireBytes
    if let loss = impairment.takeLoss() {
      recorder.noteLoss(loss, bytes: bytes, segments: segments, at: time)
      pool.giveBack(packet)
      return
    }
    guard heldBytes + bytes <= LinkLimits.heldBytes, buffer.admit(bytes) else {
      recorder.noteDrop(bytes: bytes, segments: segments, at: time)
      pool.giveBack(packet)
      return
    }
    if buffer.heldBytes - bytes > markAboveBytes,
      CongestionMark.set(packet.pointee.bytes + VirtioHeader.bytes)
    {
      recorder.noteMark(segments: segments)
    }
    heldBytes += bytes
    packet.pointee.time = time
    waiting.append(packet)
    recorder.noteArrival(
      bytes: bytes, segments: segments, queueBytes: buffer.heldBytes, at: time)
  }

  /// Serves the queue up to `time`.
  @inline(__always)
  mutating func advance(to time: UInt64) {
    while let packet = waiting.first {
      let arrival = packet.pointee.time
      let bytes = packet.pointee.wireBytes
      let segments = packet.pointee.segments
      if service.end(arrival: arrival, bytes: bytes, segments: segments) > time { return }
      let (start, end) = service.serve(arrival: arrival, bytes: bytes, segments: segments)
      _ = waiting.removeFirst()
      buffer.release(bytes)
      // Segments of one unit wait for those before them: on average half of the unit less one segment.
      let within = (end &- start) &* UInt64(segments - 1) / UInt64(2 * segments)
      recorder.noteService(
        bytes: bytes, segments: segments, delayNanoseconds: start &- arrival &+ within, at: end)
      send(packet, at: end)
    }
  }

  /// Puts a unit that left the bottleneck at `time` into its delay line.
  @inline(__always)
  private mutating func send(_ packet: PacketPointer, at time: UInt64) {
    let segments = packet.pointee.segments
    packet.pointee.copies = impairment.takeCopies()
    if packet.pointee.copies > 1 { recorder.noteDuplicate(segments: segments) }
    let extra = impairment.takeExtraDelay()
    if extra > 0 {
      recorder.noteReordering(segments: segments)
      lastHeldBackDue = max(lastHeldBackDue, time &+ delayNanoseconds &+ extra)
      packet.pointee.time = lastHeldBackDue
      heldBack.append(packet)
    } else {
      lastDue = max(lastDue, time &+ delayNanoseconds)
      packet.pointee.time = lastDue
      travelling.append(packet)
    }
  }

  /// The next unit that is due at `time`; the caller writes out its copies and gives it back to the pool.
  @inline(__always)
  mutating func takeDue(_ time: UInt64) -> PacketPointer? {
    var due = travelling.first
    var isHeldBack = false
    if let late = heldBack.first, late.pointee.time < due?.pointee.time ?? .max {
      due = late
      isHeldBack = true
    }
    guard let packet = due, packet.pointee.time <= time else { return nil }
    _ = isHeldBack ? heldBack.removeFirst() : travelling.removeFirst()
    heldBytes -= packet.pointee.wireBytes
    recorder.noteDelivery(lateNanoseconds: time &- packet.pointee.time)
    return packet
  }

  /// When a unit may be due next without new frames; nil: never. Service that ends before that is made up for
  /// in virtual time, so that a packet wakes the loop once.
  @inline(__always)
  var nextEvent: UInt64? {
    var event = UInt64.max
    if let packet = travelling.first {
      event = packet.pointee.time
    } else if let packet = waiting.first {
      let end = service.end(
        arrival: packet.pointee.time, bytes: packet.pointee.wireBytes, segments: packet.pointee.segments)
      event = end &+ delayNanoseconds
    }
    if let packet = heldBack.first { event = min(event, packet.pointee.time) }
    return event == .max ? nil : event
  }

  /// Gives every held packet back to the pool.
  mutating func clear(into pool: inout PacketPool) {
    while let packet = waiting.removeFirst() { pool.giveBack(packet) }
    while let packet = travelling.removeFirst() { pool.giveBack(packet) }
    while let packet = heldBack.removeFirst() { pool.giveBack(packet) }
  }
}
