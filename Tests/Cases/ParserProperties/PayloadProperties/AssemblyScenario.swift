import MedullaPayload

/// Senders that lose, repeat, mix up and forge packets, a consumer that fetches, gives back and forgets, and
/// what an assembler and its model make of it.
struct AssemblyScenario {
  private static let frameBytes = 176

  private var assembler: ObjectAssembler
  private var model: AssemblyModel
  /// Packet memory. What is released is written over, so that whoever reads it later reads something wrong.
  private var memory: [UInt8]
  private var freeFrames: [Int]
  private var names: [ObjectName: AssemblyModel.Object] = [:]
  /// In the order in which they were given out, gone ones too.
  private var known: [ObjectName] = []
  private var lent: [ObjectName: [PayloadPiece]] = [:]
  private var gathered: [ObjectName: [Int: UInt8]] = [:]
  private let storage: Int
  /// The assembler only knows of it what it is told with packets and when it is asked for expired objects.
  private var time = 0

  /// - Returns: packets by what became of them.
  static func run(_ source: inout ByteSource) throws(Violation) -> [PacketCause: Int] {
    guard var scenario = AssemblyScenario(&source) else { return [:] }
    while !source.isEmpty {
      try scenario.step(&source)
      try scenario.check()
    }
    try scenario.close()
    return scenario.model.causes
  }

  private init?(_ source: inout ByteSource) {
    var limits = AssemblyLimits()
    limits.objects = 1 + source.next(below: 8)
    limits.frames = 1 + source.next(below: 48)
    limits.bytes = 1 + 4 * source.next()
    limits.packetsPerObject = 1 + source.next(below: 100)
    limits.endedObjects = 1 + source.next(below: 12)
    limits.memory = UInt64(source.next())
    let choices = source.next()
    let image = StreamProfile(
      format: .imageUInt8(height: 2, width: 4, channels: 3), deadline: 40, objectLimit: 1 + choices & 3)
    let bytes = StreamProfile(
      format: .bytes(limit: 120), deadline: UInt64(1 + choices & 0x70), objectLimit: 1 + choices & 7)
    let streams: [UInt32: StreamProfile] = [0: bytes, 1: bytes, 2: image]
    let others =
      choices & 0x80 == 0 ? nil : StreamProfile(format: .bytes(limit: 60), deadline: 20, objectLimit: 2)
    guard
      var made = try? ObjectAssembler(limits: limits, streams: streams, others: others, seed: UInt64(choices))
    else { return nil }
    var admission: Admission?
    if choices & 8 != 0 {
      admission = try? Admission(
        bound: 100, workers: 1 + choices & 1, assumed: 20, classes: made.profiles.count)
      guard (try? made.set(admission)) != nil else { return nil }
    }
    assembler = made
    model = AssemblyModel(
      limits: limits, streams: Dictionary(uniqueKeysWithValues: streams.map { (Int($0.key), $0.value) }),
      others: others, profiles: made.profiles, admission: admission)
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
    case 14: try finish(name(&source), service: choice & 16 == 0 ? nil : UInt64(choice))
    default: try drain()
    }
  }

  private func name(_ source: inout ByteSource) -> ObjectName? {
    let back = source.next(below: 12)
    return back < known.count ? known[known.count - 1 - back] : nil
  }

  /// What the object's bytes are.
  private static func byte(_ stream: Int, _ object: Int, _ at: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: stream &* 101 &+ object &* 59 &+ at &* 7 &+ at >> 3)
  }

  private mutating func send(_ source: inout ByteSource) throws(Violation) {
    let (which, what) = (source.next(), source.next())
    let header = Self.header(which, what, &source)
    let payload = (0..<min(header.length, 120)).map {
      Self.byte(header.stream, header.object, header.offset + $0)
    }
    var datagram = header.datagram(payload: payload)
    switch what >> 5 {
    // Damaged, with a checksum that tells it, or cut.
    case 6: datagram[source.next(below: datagram.count)] ^= UInt8(1 << source.next(below: 8))
    case 7 where what & 16 != 0: datagram.removeLast(min(source.next(), datagram.count))
    default: break
    }
    // Damaged payload is the digest's matter: here only headers are.
    if what >> 5 == 6, datagram.dropFirst(48) != payload[...] { return }
    guard let frame = freeFrames.popLast() else { return }
    memory.replaceSubrange(
      (frame * Self.frameBytes)..<(frame * Self.frameBytes + datagram.count), with: datagram)
    let keyed = AssemblyModel.Key(stream: header.stream, object: header.object)
    let before = model.live(keyed)
    let hadNews = before.map { $0.frames.count > $0.lent } ?? false
    model.clock = time
    let expected = model.take(datagram, frame: frame)
    let outcome = memory.withUnsafeBytes { bytes in
      let place = frame * Self.frameBytes
      return assembler.take(
        PayloadPacket(
          frame: UInt64(frame), place: place,
          datagram: UnsafeRawBufferPointer(rebasing: bytes[place..<(place + datagram.count)])),
        at: UInt64(time))
    }
    try Violation.unless(
      outcome.cause == expected, "a packet is \(outcome.cause), not \(expected): \(header)")
    try Violation.unless(outcome.keepsFrame == (expected == .accepted), "the frame is kept wrongly")
    guard expected == .accepted, let object = model.live(keyed), let name = outcome.object else {
      try Violation.unless(outcome.object == nil && expected != .accepted, "an outcome without an object")
      return free(frame)
    }
    try Violation.unless(outcome.begins == (before == nil), "an object begins wrongly")
    try Violation.unless(outcome.completes == object.isComplete, "an object is complete wrongly")
    try Violation.unless(outcome.hasNews == !hadNews, "news are told wrongly")
    if before == nil {
      try Violation.unless(names.updateValue(object, forKey: name) == nil, "a name was given twice")
      known.append(name)
    }
    try Violation.unless(names[name] === object, "a piece was told of another object")
  }

  /// Mostly a packet that its sender means; sometimes one with a false field and a right checksum.
  private static func header(_ which: Int, _ what: Int, _ source: inout ByteSource) -> PlainHeader {
    let variant = what >> 5 == 5 ? what & 3 : 0
    var header = PlainHeader()
    header.stream = which & 3
    header.object = which >> 2 & 15
    header.kind = header.stream == 2 ? 2 : 4
    header.size = header.stream == 2 ? 24 : 1 + (header.object * 23 + variant * 5) % 130
    let piece = 1 + (header.object * 5 + variant * 3) % 19
    header.total = (header.size + piece - 1) / piece
    header.sequence = (what & 31 | (which >> 6) << 5) % header.total
    header.offset = header.sequence * piece
    header.length = min(piece, header.size - header.offset)
    if header.object & 1 == 1 || variant == 2 { (header.flags, header.digest) = (1, header.object + variant) }
    guard what >> 5 == 7, what & 16 == 0 else { return header }
    let value = source.next()
    switch value & 7 {
    case 0: header.offset += value >> 3
    case 1: header.length = value >> 3
    case 2: header.total = value >> 3
    case 3: header.sequence += value >> 3
    case 4: header.size = value >> 3
    case 5: header.kind = value >> 3
    case 6: header.flags = value >> 3
    default: header.offset = 0xFFFF_FFFF - value >> 3
    }
    return header
  }

  private mutating func free(_ frame: Int) {
    for at in (frame * Self.frameBytes)..<((frame + 1) * Self.frameBytes) { memory[at] = 0xEE }
    freeFrames.append(frame)
  }

  private mutating func expire() throws(Violation) {
    model.clock = time
    while let object = assembler.nextExpired(at: UInt64(time)) {
      guard let modelled = names[object.name] else { throw Violation(text: "an unknown object expired") }
      try Violation.unless(model.isDue(modelled), "an object expired too early")
      try Violation.unless(
        object.received == modelled.sequences.count && object.total == modelled.header.total
          && object.lent == modelled.lent && object.state == .expired, "an expired object is told wrongly")
      model.expire(modelled)
    }
    try Violation.unless(!model.objects.contains { model.isDue($0) }, "an object did not expire")
  }

  private func isOpen(_ name: ObjectName) -> AssemblyModel.Object? {
    names[name].flatMap { object in model.objects.contains { $0 === object } ? object : nil }
  }

  private mutating func lend(_ name: ObjectName?, limit: Int) throws(Violation) {
    guard let name else { return }
    let object = isOpen(name)
    var pieces: [PayloadPiece] = []
    let count = assembler.lend(name, limit: limit) { pieces.append($0) }
    guard let object, !object.isExpired else {
      return try Violation.unless(count == 0, "pieces of an object that has ended were lent")
    }
    let expected = object.frames.dropFirst(object.lent).prefix(limit).map { frame, sequence in
      PayloadPiece(
        source: frame * Self.frameBytes + 48, destination: sequence * object.piece,
        length: min(object.piece, object.header.size - sequence * object.piece))
    }
    try Violation.unless(pieces == expected && count == pieces.count, "other pieces were lent")
    object.lent += count
    lent[name, default: []] += pieces
  }

  /// The consumer reads as late as it may.
  private mutating func gather(_ name: ObjectName, _ count: Int) {
    for piece in lent[name, default: []].prefix(count) {
      for at in 0..<piece.length {
        gathered[name, default: [:]][piece.destination + at] = memory[piece.source + at]
      }
    }
    lent[name, default: []].removeFirst(count)
  }

  private mutating func giveBack(_ name: ObjectName?, count: Int) throws(Violation) {
    guard let name else { return }
    let object = isOpen(name)
    if let object { gather(name, min(count, object.lent)) }
    let expected = object.map { model.giveBack($0, count) } ?? 0
    try Violation.unless(assembler.giveBack(name, count: count) == expected, "another number was given back")
  }

  private mutating func finish(_ name: ObjectName?, service: UInt64?) throws(Violation) {
    guard let name else { return }
    let object = isOpen(name)
    if let object, object.isComplete, !object.isExpired {
      try lend(name, limit: .max)
      gather(name, object.lent)
      let bytes = gathered[name, default: [:]]
      let isRight = (0..<object.header.size).allSatisfy {
        bytes[$0] == Self.byte(object.key.stream, object.key.object, $0)
      }
      try Violation.unless(isRight && bytes.count == object.header.size, "a wrong object was delivered")
    }
    try Violation.unless(assembler.finish(name, service: service) == (object != nil), "ended twice")
    if let object { model.finish(object, service: service) }
  }

  private mutating func drain() throws(Violation) {
    var frames: [Int] = []
    assembler.drainReleased { frames += $0.map { Int($0) } }
    try Violation.unless(frames.sorted() == model.released.sorted(), "other frames were released")
    model.released = []
    for frame in frames { free(frame) }
    try Violation.unless(Set(freeFrames).count == freeFrames.count, "a frame was released twice")
  }

  private func check() throws(Violation) {
    let held = model.objects.reduce(0) { $0 + $1.frames.count }
    try Violation.unless(assembler.heldFrames == held, "\(assembler.heldFrames) frames are held, not \(held)")
    try Violation.unless(assembler.reservedFrames == model.reserved, "frames are reserved wrongly")
    try Violation.unless(assembler.storageBytes == storage, "memory has grown")
    try Violation.unless(held <= model.limits.frames, "more frames are held than may be")
    try Violation.unless(assembler.objectsUnderWay == model.objects.count, "objects are counted wrongly")
    try Violation.unless(assembler.admission == model.admission, "the admission knows of other objects")
    let counts = assembler.counts
    for cause in PacketCause.allCases {
      try Violation.unless(
        counts[cause] == UInt64(model.causes[cause, default: 0]), "packets \(cause) are counted wrongly")
    }
    let told = [
      counts.begun, counts.completed, counts.expired, counts.dropped, counts.refused, counts.missing,
    ]
    let expected = [model.begun, model.completed, model.expired, model.dropped, model.refused, model.missing]
    try Violation.unless(told == expected.map { UInt64($0) }, "objects are counted wrongly: \(told)")
    for name in known.suffix(8) {
      try Violation.unless(
        (assembler.object(name) != nil) == (isOpen(name) != nil), "an object is there wrongly")
    }
  }

  /// When all objects have ended, every frame is back.
  private mutating func close() throws(Violation) {
    for name in known { try finish(name, service: nil) }
    try drain()
    try Violation.unless(freeFrames.count == model.limits.frames + 3, "frames were lost")
    try Violation.unless(assembler.reservedFrames == 0 && assembler.reservedBytes == 0, "memory was lost")
  }
}
