import MedullaPayload

/// What an assembler must do, by dictionaries and sets, without a thought of speed.
struct AssemblyModel {
  struct Key: Hashable {
    var stream: Int
    var object: Int
  }

  final class Object {
    let key: Key
    let header: PlainHeader
    let piece: Int
    let profile: Int
    let deadline: Int
    var sequences: Set<Int> = []
    /// Not given back, in the order of arrival.
    var frames: [(frame: Int, sequence: Int)] = []
    var lent = 0
    var isExpired = false

    init(_ header: PlainHeader, _ piece: Int, _ profile: Int, deadline: Int) {
      key = Key(stream: header.stream, object: header.object)
      (self.header, self.piece, self.profile, self.deadline) = (header, piece, profile, deadline)
    }

    var isComplete: Bool { sequences.count == header.total }
  }

  let limits: AssemblyLimits
  let streams: [Int: StreamProfile]
  let others: StreamProfile?
  let profiles: [StreamProfile]
  var admission: Admission?
  var objects: [Object] = []
  /// The last ones, as many as are remembered.
  var ended: [(key: Key, cause: PacketCause, time: Int)] = []
  var released: [Int] = []
  var causes: [PacketCause: Int] = [:]
  var begun = 0
  var completed = 0
  var expired = 0
  var dropped = 0
  var refused = 0
  var missing = 0
  var clock = 0

  /// Frames that are held, or may still come.
  var reserved: Int {
    objects.reduce(0) { sum, object in
      sum + object.frames.count + (object.isExpired ? 0 : object.header.total - object.sequences.count)
    }
  }

  func live(_ key: Key) -> Object? { objects.first { $0.key == key && !$0.isExpired } }

  mutating func end(_ key: Key, _ cause: PacketCause) {
    ended.append((key, cause, clock))
    if ended.count > limits.endedObjects { ended.removeFirst() }
  }

  /// What becomes of a packet.
  mutating func take(_ datagram: [UInt8], frame: Int) -> PacketCause {
    let cause = judge(datagram, frame: frame)
    causes[cause, default: 0] += 1
    return cause
  }

  private mutating func judge(_ datagram: [UInt8], frame: Int) -> PacketCause {
    guard datagram.count >= 48 else { return .short }
    func field(_ at: Int, _ count: Int) -> Int {
      datagram[at..<(at + count)].reduce(0) { $0 << 8 | Int($1) }
    }
    guard field(0, 4) == 0x4D44_504C else { return .badMagic }
    guard field(4, 1) == 1 else { return .badVersion }
    guard field(44, 4) == PlainHeader.checksum(datagram.prefix(44)) else { return .badChecksum }
    let header = PlainHeader(
      kind: field(5, 1), length: field(6, 2), stream: field(8, 4), sequence: field(12, 4),
      object: field(16, 8),
      total: field(24, 4), offset: field(28, 4), size: field(32, 4), digest: field(36, 4), flags: field(40, 4)
    )
    guard (1...4).contains(header.kind) else { return .badKind }
    guard header.flags <= 1, header.flags == 1 || header.digest == 0 else { return .badFlags }
    guard header.length > 0, header.size > 0, header.total > 0 else { return .empty }
    guard datagram.count == 48 + header.length else { return .wrongLength }
    guard header.offset + header.length <= header.size else { return .beyondObject }
    guard header.sequence < header.total else { return .wrongPlace }
    let key = Key(stream: header.stream, object: header.object)
    if let object = live(key) { return add(header, frame, to: object) }
    if let past = ended.last(where: { $0.key == key }), clock - past.time <= Int(limits.memory) {
      return past.cause
    }
    return begin(header, frame, key)
  }

  private mutating func add(_ header: PlainHeader, _ frame: Int, to object: Object) -> PacketCause {
    guard header.ofObject == object.header.ofObject else { return .inconsistent }
    guard header.offset == header.sequence * object.piece,
      header.length == min(object.piece, header.size - header.offset)
    else { return .wrongPlace }
    if object.sequences.contains(header.sequence) { return .duplicate }
    if clock >= object.deadline { return .late }
    object.sequences.insert(header.sequence)
    object.frames.append((frame, header.sequence))
    return .accepted
  }

  private mutating func begin(_ header: PlainHeader, _ frame: Int, _ key: Key) -> PacketCause {
    guard let profile = streams[header.stream] ?? others else { return .unknownStream }
    // Every cut of an object into pieces is tried.
    let pieces = (1...header.size).filter { piece in
      (header.size + piece - 1) / piece == header.total && header.offset == header.sequence * piece
        && header.length == min(piece, header.size - header.offset)
        && (header.sequence > 0 || piece == header.length)
    }
    guard let piece = pieces.first else { return .wrongPlace }
    guard profile.format.accepts(PayloadKind(rawValue: UInt8(header.kind)) ?? .bytes, size: header.size)
    else {
      return .wrongObject
    }
    guard header.total <= limits.packetsPerObject, header.total <= limits.frames, header.size <= limits.bytes
    else { return .tooLarge }
    let number =
      streams[header.stream] == nil ? profiles.count - 1 : profiles.firstIndex(of: profile) ?? -1
    let cause: PacketCause? =
      if objects.count == limits.objects {
        .noSlot
      } else if objects.count(where: { $0.key.stream == key.stream }) >= profile.objectLimit {
        .streamFull
      } else if reserved + released.count + header.total > limits.frames {
        .noMemory
      } else if objects.reduce(0, { $0 + $1.header.size }) + header.size > limits.bytes {
        .noMemory
      } else if let admission, !admission.admits(number) {
        .notAdmitted
      } else {
        nil
      }
    if let cause {
      end(key, .afterRefusal)
      refused += 1
      return cause
    }
    let object = Object(header, piece, number, deadline: clock + Int(profile.deadline))
    object.sequences = [header.sequence]
    object.frames = [(frame, header.sequence)]
    objects.append(object)
    admission?.begin(number)
    begun += 1
    return .accepted
  }

  mutating func giveBack(_ object: Object, _ count: Int) -> Int {
    let number = min(count, object.lent)
    released += object.frames.prefix(number).map(\.frame)
    object.frames.removeFirst(number)
    object.lent -= number
    if object.isExpired, object.lent == 0 { objects.removeAll { $0 === object } }
    return number
  }

  mutating func finish(_ object: Object, service: UInt64?) {
    if !object.isExpired {
      end(object.key, object.isComplete ? .afterCompletion : .afterDrop)
      admission?.end(object.profile, service: service)
      if object.isComplete { completed += 1 } else { dropped += 1 }
    }
    released += object.frames.map(\.frame)
    objects.removeAll { $0 === object }
  }

  mutating func expire(_ object: Object) {
    end(object.key, .afterExpiry)
    admission?.end(object.profile, service: nil)
    expired += 1
    missing += object.header.total - object.sequences.count
    object.isExpired = true
    released += object.frames.dropFirst(object.lent).map(\.frame)
    object.frames.removeLast(object.frames.count - object.lent)
    if object.lent == 0 { objects.removeAll { $0 === object } }
  }

  func isDue(_ object: Object) -> Bool { !object.isExpired && !object.isComplete && object.deadline <= clock }
}
