import Glibc

/// One direction of the link without its devices: frames go in with a time, units come out when due.
struct PathQueue {
  private var segmentsPerUnit: Int
  private var hasRate: Bool
  private let origin: UInt64
  private var delayNanoseconds: UInt64
  private var aggregationNanoseconds: UInt64
  private var portDelay: PortDelay?
  private var markAboveBytes: Int
  private var policer: TokenBucket?
  private var buffer: Droptail
  private var discipline: ActiveQueue
  private var service: Service
  private var waiting = PacketList()
  private var travelling = DelayLine()
  /// Those that the others overtake, in a delay line of their own.
  private var heldBack = DelayLine()
  /// Those whose port is farther away.
  private var distant = DelayLine()
  /// Dropped after they had waited; they go back to the pool when it is at hand.
  private var discarded = PacketList()
  /// Bytes in queue and delay lines.
  private var heldBytes = 0
  private var impairment: Impairment
  private(set) var recorder: PathRecorder
  private(set) var malformedFrames = 0

  init(_ path: PathConfiguration, link: LinkConfiguration, seed: UInt64, origin: UInt64) {
    segmentsPerUnit = LinkLimits.segmentsPerUnit(path, mtu: link.mtu)
    hasRate = path.meanBitsPerSecond != nil
    self.origin = origin
    delayNanoseconds = path.delayNanoseconds
    aggregationNanoseconds = path.aggregationNanoseconds ?? 0
    portDelay = path.portDelay
    markAboveBytes = path.markAboveBytes ?? Int.max
    policer = path.policer.map { TokenBucket($0, at: origin) }
    buffer = Droptail(limitBytes: path.bufferBytes ?? LinkLimits.heldBytes)
    discipline = ActiveQueue(
      path.queue, mtu: link.mtu, seed: Impairment.seeds(of: seed).queue, at: origin)
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
    aggregationNanoseconds = path.aggregationNanoseconds ?? 0
    portDelay = path.portDelay
    markAboveBytes = path.markAboveBytes ?? Int.max
    if let next = path.policer, policer != nil {
      policer?.change(next, at: time)
    } else {
      policer = path.policer.map { TokenBucket($0, at: time) }
    }
    discipline.follow(path.queue, mtu: mtu, at: time)
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
    while let packet = discarded.removeFirst() { pool.giveBack(packet) }
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
    if policer?.take(bytes, at: time) == false {
      recorder.notePoliced(bytes: bytes, segments: segments, at: time)
      pool.giveBack(packet)
      return
    }
    let fits = heldBytes + bytes <= LinkLimits.heldBytes && buffer.fits(bytes)
    let fate: ActiveQueue.Fate = fits && discipline.isActive ? arrivalFate(packet) : .pass
    guard fits, fate != .drop else {
      recorder.noteDrop(bytes: bytes, segments: segments, isEarly: fits, at: time)
      pool.giveBack(packet)
      return
    }
    if fate == .mark { mark(packet) }
    _ = buffer.admit(bytes)
    if buffer.heldBytes - bytes > markAboveBytes { mark(packet) }
    heldBytes += bytes
    packet.pointee.time = time
    packet.pointee.isInService = false
    waiting.append(packet)
    recorder.noteArrival(
      bytes: bytes, segments: segments, queueBytes: buffer.heldBytes, at: time)
  }

  /// Marks an ECN-capable packet.
  @inline(__always)
  private mutating func mark(_ packet: PacketPointer) {
    guard CongestionMark.set(packet.pointee.bytes + VirtioHeader.bytes) else { return }
    recorder.noteMark(segments: packet.pointee.segments)
  }

  /// Serves the queue up to `time`.
  @inline(__always)
  mutating func advance(to time: UInt64) {
    serve(until: time)
    discipline.elapse(to: time)
  }

  @inline(__always)
  private mutating func serve(until time: UInt64) {
    while let packet = waiting.first {
      let arrival = packet.pointee.time
      let bytes = packet.pointee.wireBytes
      let segments = packet.pointee.segments
      if discipline.isActive, !packet.pointee.isInService {
        let start = service.start(arrival: arrival, bytes: bytes, segments: segments)
        if start > time { return }
        guard beginService(packet, at: start) else { continue }
      }
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
      heldBack.append(packet, due: due(time &+ extra))
    } else if let portDelay,
      portDelay.concerns(packet.pointee.bytes + VirtioHeader.bytes, length: packet.pointee.networkLength)
    {
      distant.append(packet, due: due(time &+ portDelay.extraNanoseconds))
    } else {
      travelling.append(packet, due: due(time))
    }
  }

  /// When what enters the delay line at `time` leaves it: with the first batch after its delay.
  @inline(__always)
  private func due(_ time: UInt64) -> UInt64 {
    let due = time &+ delayNanoseconds
    guard aggregationNanoseconds > 0 else { return due }
    let rest = (due &- origin) % aggregationNanoseconds
    return rest == 0 ? due : due &+ (aggregationNanoseconds - rest)
  }

  /// The next unit that is due at `time`; the caller writes out its copies and gives it back to the pool.
  @inline(__always)
  mutating func takeDue(_ time: UInt64) -> PacketPointer? {
    var next = travelling.first
    var isHeldBack = false
    if let late = heldBack.first, late.pointee.time < next?.pointee.time ?? .max {
      (next, isHeldBack) = (late, true)
    }
    var isDistant = false
    if let far = distant.first, far.pointee.time < next?.pointee.time ?? .max {
      (next, isDistant) = (far, true)
    }
    guard let packet = next, packet.pointee.time <= time else { return nil }
    if isDistant {
      _ = distant.removeFirst()
    } else {
      _ = isHeldBack ? heldBack.removeFirst() : travelling.removeFirst()
    }
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
      event = due(leaving(packet))
    }
    if let packet = heldBack.first { event = min(event, packet.pointee.time) }
    if let packet = distant.first { event = min(event, packet.pointee.time) }
    return event == .max ? nil : event
  }

  /// When the first packet that waits will have left the bottleneck. While it may still be dropped for one
  /// that is shorter, no more is known than when its service would begin.
  @inline(__always)
  private func leaving(_ packet: PacketPointer) -> UInt64 {
    let (arrival, bytes) = (packet.pointee.time, packet.pointee.wireBytes)
    let segments = packet.pointee.segments
    return discipline.isActive && !packet.pointee.isInService
      ? service.start(arrival: arrival, bytes: bytes, segments: segments)
      : service.end(arrival: arrival, bytes: bytes, segments: segments)
  }

  /// Gives every held packet back to the pool.
  mutating func clear(into pool: inout PacketPool) {
    while let packet = waiting.removeFirst() { pool.giveBack(packet) }
    while let packet = travelling.removeFirst() { pool.giveBack(packet) }
    while let packet = heldBack.removeFirst() { pool.giveBack(packet) }
    while let packet = distant.removeFirst() { pool.giveBack(packet) }
    while let packet = discarded.removeFirst() { pool.giveBack(packet) }
  }
}

/// The queue's discipline.
///
/// A discipline such as CoDel decides when a packet leaves the queue, and the emulator computes service at
/// any later time. Both give the same: in a first-in first-out queue the first packet leaves when the service
/// of the one before it has ended, which the service schedule knows to the nanosecond, and it is asked about
/// then with what stood behind it at that time, since the queue is served up to each arrival before the
/// arrival enters. A packet that is dropped takes no service, so that the next one has its turn at the same
/// time.
extension PathQueue {
  /// What becomes of a packet that fits the buffer, as it arrives.
  private mutating func arrivalFate(_ packet: PacketPointer) -> ActiveQueue.Fate {
    let served = waiting.first.map { $0.pointee.isInService ? $0.pointee.wireBytes : 0 } ?? 0
    return discipline.arrive(
      queueBytes: buffer.heldBytes - served,
      isCapable: CongestionMark.fits(packet.pointee.bytes + VirtioHeader.bytes))
  }

  /// Takes the first packet out of the queue at `time`, into service; false when it is dropped.
  private mutating func beginService(_ packet: PacketPointer, at time: UInt64) -> Bool {
    let bytes = packet.pointee.wireBytes
    let fate = discipline.leave(
      at: time, arrival: packet.pointee.time, queueBytes: buffer.heldBytes - bytes,
      isCapable: CongestionMark.fits(packet.pointee.bytes + VirtioHeader.bytes))
    if fate == .mark { mark(packet) }
    packet.pointee.isInService = fate != .drop
    guard fate == .drop else { return true }
    _ = waiting.removeFirst()
    buffer.release(bytes)
    heldBytes -= bytes
    recorder.noteLateDrop(segments: packet.pointee.segments, at: time)
    discarded.append(packet)
    return false
  }
}
