import CMedullaNF

/// What holds for a ring of descriptors on any bytes at all, which are operations of both sides and words
/// that one of them writes against the rules.
package struct RingProperties {
  private enum Rogue {
    case nobody
    case producer
    case consumer
  }

  private static let guardWords = 64
  private static let canary: UInt64 = 0xdead_beef_0bad_cafe

  private let memory: UnsafeMutablePointer<UInt64>
  private let ring: UnsafeMutablePointer<UInt32>
  private let entries: Int
  private let words: Int
  private let rogue: Rogue
  private var producer: nf_producer
  private var consumer: nf_consumer
  /// What was produced and not consumed; nil: a rogue has written what nobody can follow.
  private var queued: [nf_descriptor]? = []
  private var number: UInt64 = 0

  /// - Returns: what does not hold; nil: all does.
  package static func violation(_ bytes: [UInt8]) -> String? {
    guard bytes.count >= 6 else { return nil }
    var properties = RingProperties(bytes[0], start: Self.word(bytes[1...]))
    defer { properties.memory.deallocate() }
    var at = 6
    while at < bytes.count {
      let operation = bytes[at]
      let value = Self.word(bytes[min(at + 1, bytes.count)...])
      at += operation < 0x80 ? 2 : 6
      if let violation = properties.perform(operation, value) ?? properties.spoiled() { return violation }
    }
    return nil
  }

  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  private init(_ kind: UInt8, start: UInt32) {
    entries = 1 << (1 + Int(kind >> 2) % 6)
    rogue = [.nobody, .producer, .consumer, .nobody][Int(kind & 3)]
    words = Int(nf_ring_bytes(UInt32(entries))) / 8
    let raw = UnsafeMutableRawPointer.allocate(byteCount: (words + 2 * Self.guardWords) * 8, alignment: 64)
    memory = raw.bindMemory(to: UInt64.self, capacity: words + 2 * Self.guardWords)
    memory.initialize(repeating: Self.canary, count: words + 2 * Self.guardWords)
    (memory + Self.guardWords).update(repeating: 0, count: words)
    ring = UnsafeMutableRawPointer(memory + Self.guardWords).assumingMemoryBound(to: UInt32.self)
    ring[NF_PRODUCED_WORD] = start
    ring[NF_CONSUMED_WORD] = start
    producer = nf_make_producer(ring, UInt32(entries))
    consumer = nf_make_consumer(ring, UInt32(entries))
    (producer.next, producer.consumed, consumer.next, consumer.produced) = (start, start, start, start)
  }

  private mutating func perform(_ operation: UInt8, _ value: UInt32) -> String? {
    guard operation >= 0x80 else {
      let count = Int(value & 0xff) % (2 * entries + 1)
      return operation & 1 == 0 ? produce(count) : consume(count)
    }
    guard rogue != .nobody else { return sleep() }
    write(operation, value)
    return nil
  }

  /// A rogue writes one of the words that its side of the memory has, or any entry.
  private mutating func write(_ operation: UInt8, _ value: UInt32) {
    if operation & 3 == 0 {
      entry(Int(value)).pointee = nf_descriptor(value) << 20 | 7
      // A producer may change its own entries until they are read, and anybody else's are its own loss.
      queued = nil
    } else if operation & 3 == 1 {
      ring[NF_WAITS_WORD] = value
    } else {
      // Near its peer's index such a word is most dangerous.
      let base = rogue == .producer ? consumer.next : producer.next
      let word = operation & 4 == 0 ? value : base &+ value % UInt32(4 * entries) &- UInt32(2 * entries)
      if rogue == .producer { ring[NF_PRODUCED_WORD] = word } else { ring[NF_CONSUMED_WORD] = word }
      queued = nil
    }
  }

  private func entry(_ index: Int) -> UnsafeMutablePointer<nf_descriptor> {
    UnsafeMutableRawPointer(ring).advanced(by: words * 8 - entries * 8)
      .assumingMemoryBound(to: nf_descriptor.self) + index % entries
  }

  private mutating func produce(_ count: Int) -> String? {
    let given = (0..<UInt64(count)).map { nf_describe(number &+ $0, 64, 1) }
    let next = producer.next
    let seen = ring[NF_CONSUMED_WORD]
    let room = Int(nf_produce(&producer, given, UInt32(count)))
    guard producer.next == next &+ UInt32(room), room <= min(count, entries) else {
      return "\(room) found room"
    }
    if producer.is_broken != 0 {
      producer.is_broken = 0
      // Who breaks the rules is told nothing true.
      let isRight = rogue == .consumer && room == 0 && next &- seen > UInt32(entries)
      return isRight || rogue == .producer ? nil : "a good index is refused"
    }
    for index in 0..<room where entry(Int(next &+ UInt32(index))).pointee != given[index] {
      return "an entry was not written"
    }
    number &+= UInt64(room)
    guard let before = queued else { return nil }
    guard room == min(count, entries - before.count) else {
      return "\(room) of \(count) beside \(before.count)"
    }
    queued = before + given.prefix(room)
    return nil
  }

  private mutating func consume(_ count: Int) -> String? {
    var taken = [nf_descriptor](repeating: Self.canary, count: count + 1)
    let next = consumer.next
    let seen = ring[NF_PRODUCED_WORD]
    let there = Int(nf_consume(&consumer, &taken, UInt32(count)))
    guard there <= min(count, entries), consumer.next == next &+ UInt32(there) else {
      return "\(there) were there"
    }
    guard taken[there...].allSatisfy({ $0 == Self.canary }) else { return "more was written than was there" }
    if consumer.is_broken != 0 {
      consumer.is_broken = 0
      let isRight = rogue == .producer && there == 0 && seen &- next > UInt32(entries)
      return isRight || rogue == .consumer ? nil : "a good index is refused"
    }
    for index in 0..<there where taken[index] != entry(Int(next &+ UInt32(index))).pointee {
      return "what was read is no entry"
    }
    guard let before = queued else { return nil }
    guard there == min(count, before.count), Array(before.prefix(there)) == Array(taken.prefix(there)) else {
      return "order or number is lost: \(there) of \(before.count)"
    }
    queued = Array(before.dropFirst(there))
    return nil
  }

  /// Who says that it sleeps is woken once, and does not sleep beside something to do.
  private mutating func sleep() -> String? {
    let isEmpty = queued?.isEmpty ?? false
    guard (nf_may_sleep(&consumer) != 0) == isEmpty else { return "a consumer sleeps beside \(queued ?? [])" }
    guard (nf_must_wake(&producer) != 0) == isEmpty, nf_must_wake(&producer) == 0 else {
      return "not woken once"
    }
    nf_has_woken(&consumer)
    return nil
  }

  private func spoiled() -> String? {
    for index in 0..<Self.guardWords
    where memory[index] != Self.canary || memory[Self.guardWords + words + index] != Self.canary {
      return "memory beside the ring was written"
    }
    return nil
  }
}
