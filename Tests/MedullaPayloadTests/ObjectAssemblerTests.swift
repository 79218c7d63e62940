import MedullaBase
import Testing

@testable import MedullaPayload

@Suite("Assembly of objects")
struct ObjectAssemblerTests {
  @Test("an object is whole with its last missing packet, whatever the order, and its pieces cover it")
  func order() throws {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
      let assembler = try AssemblyCase.assembler()
      let writer = try AssemblyCase.writer()
      var name: ObjectName?
      for (index, sequence) in order.enumerated() {
        let outcome = assembler.take(writer, sequence, frame: UInt64(sequence))
        #expect(outcome.cause == .accepted && outcome.keepsFrame)
        #expect(outcome.begins == (index == 0) && outcome.hasNews == (index == 0))
        #expect(outcome.completes == (index == 3))
        name = outcome.object
      }
      let object = try #require(name.flatMap { assembler.object($0) })
      #expect(object.state == .complete && object.receivedBytes == 100 && object.number == 1)
      let pieces = assembler.lent(object.name).sorted { $0.destination < $1.destination }
      #expect(pieces.map(\.destination) == [0, 32, 64, 96])
      #expect(pieces.map(\.length) == [32, 32, 32, 4])
      #expect(pieces.map(\.source) == [0, 1, 2, 3].map { $0 * 2_048 + 48 })
      #expect(assembler.drained() == [])
      #expect(assembler.finish(object.name) && !assembler.finish(object.name))
      #expect(assembler.drained().sorted() == [0, 1, 2, 3])
      #expect(assembler.counts.completed == 1 && assembler.reservedFrames == 0)
      #expect(assembler.take(writer, 0).cause == .afterCompletion)
    }
  }

  /// A later packet of an object whose packet 1 was taken.
  static let laterPackets: [(String, PacketCause, @Sendable (PayloadHeader) -> PayloadHeader)] = [
    ("the same", .duplicate, { $0 }),
    ("another size", .inconsistent, { $0.with { $0.size = 128 } }),
    ("another number of packets", .inconsistent, { $0.with { $0.total = 5 } }),
    ("another kind", .inconsistent, { $0.with { $0.kind = .imageUInt8 } }),
    ("a digest", .inconsistent, { $0.with { $0.digest = 3 } }),
    ("another offset", .wrongPlace, { $0.with { $0.offset = 33 } }),
    ("a shorter piece", .wrongPlace, { $0.with { $0.length = 31 } }),
    ("an overlapping piece", .wrongPlace, { $0.with { ($0.sequence, $0.offset) = (2, 48) } }),
    ("an offset behind the end", .beyondObject, { $0.with { $0.offset = 99 } }),
    ("a packet behind the last", .wrongPlace, { $0.with { $0.sequence = 4 } }),
    ("another object", .accepted, { $0.with { $0.object = 2 } }),
    ("another stream", .unknownStream, { $0.with { $0.stream = 2 } }),
  ]

  @Test("a later packet is refused by what is wrong with it, and its frame is free", arguments: laterPackets)
  func later(name: String, cause: PacketCause, change: @Sendable (PayloadHeader) -> PayloadHeader) throws {
    let assembler = try AssemblyCase.assembler()
    let first = try AssemblyCase.writer().header(of: 1)
    #expect(assembler.take(AssemblyCase.datagram(first)).cause == .accepted)
    let outcome = assembler.take(AssemblyCase.datagram(change(first)), frame: 1)
    #expect(outcome.cause == cause && outcome.keepsFrame == (cause == .accepted))
    #expect(assembler.heldFrames == (cause == .accepted ? 2 : 1))
    #expect(assembler.counts[.accepted] == (cause == .accepted ? 2 : 1) && assembler.counts.packets == 2)
  }

  static let firstPackets: [(String, PacketCause, @Sendable (inout PayloadHeader) -> Void)] = [
    ("a piece that does not divide the object so", .wrongPlace, { $0.total = 3 }),
    ("no place that a piece has", .wrongPlace, { $0.offset = 31 }),
    ("the last one, too short", .wrongPlace, { ($0.sequence, $0.offset, $0.length) = (3, 96, 3) }),
    ("another kind than the stream's", .wrongObject, { $0.kind = .trainingBatch }),
    ("more bytes than the stream's", .wrongObject, { ($0.size, $0.total) = (4_097, 129) }),
    ("more packets than an object may have", .tooLarge, { ($0.size, $0.total) = (4_000, 125) }),
  ]

  @Test(
    "an object that cannot be is refused, each packet by itself, and takes nothing", arguments: firstPackets)
  func first(name: String, cause: PacketCause, change: @Sendable (inout PayloadHeader) -> Void) throws {
    let assembler = try AssemblyCase.assembler()
    var header = try AssemblyCase.writer().header(of: 1)
    change(&header)
    for _ in 0..<2 { #expect(assembler.take(AssemblyCase.datagram(header)).cause == cause) }
    #expect(assembler.reservedFrames == 0 && assembler.objectsUnderWay == 0 && assembler.counts.refused == 0)
  }

  static let fullTables: [(PacketCause, AssemblyLimits, Int)] = [
    (.noSlot, AssemblyCase.limits(objects: 2), 2), (.noMemory, AssemblyCase.limits(frames: 11), 2),
    (.noMemory, AssemblyCase.limits(bytes: 399), 3), (.streamFull, AssemblyCase.limits(objects: 16), 8),
  ]

  @Test("when a limit is reached the whole object is refused at its first packet", arguments: fullTables)
  func full(cause: PacketCause, limits: AssemblyLimits, room: Int) throws {
    let assembler = try AssemblyCase.assembler(limits)
    var names: [ObjectName] = []
    for object in 0..<UInt64(room) {
      let outcome = assembler.take(try AssemblyCase.writer(object), 0, frame: object)
      #expect(outcome.cause == .accepted)
      names += outcome.object.map { [$0] } ?? []
    }
    let next = try AssemblyCase.writer(100)
    #expect(assembler.take(next, 2).cause == cause)
    #expect(assembler.counts.refused == 1)
    // What was accepted becomes whole all the same.
    for object in 0..<UInt64(room) {
      for sequence in 1..<4 {
        #expect(assembler.take(try AssemblyCase.writer(object), sequence, frame: 50).cause == .accepted)
      }
    }
    for name in names { assembler.finish(name) }
    #expect(assembler.take(next, 0).cause == .afterRefusal)
    // Frames that nobody has fetched are not there for new objects.
    if cause == .noMemory, limits.frames == 11 {
      #expect(assembler.take(try AssemblyCase.writer(101), 0).cause == .noMemory)
    }
    _ = assembler.drained()
    #expect(assembler.take(try AssemblyCase.writer(102), 0).cause == .accepted)
  }

  @Test(
    "an object that is not whole at its deadline is reported with what there is, and its frames are released")
  func expiry() throws {
    let assembler = try AssemblyCase.assembler()
    let writer = try AssemblyCase.writer()
    assembler.take(writer, 0, frame: 7, at: 500)
    assembler.take(writer, 3, frame: 8, at: 600)
    #expect(assembler.nextDeadline == 1_500)
    #expect(assembler.nextExpired(at: 1_499) == nil)
    #expect(assembler.take(writer, 1, at: 1_500).cause == .late)
    let object = try #require(assembler.nextExpired(at: 1_500))
    #expect(
      object.state == .expired && object.received == 2 && object.receivedBytes == 36 && object.total == 4)
    #expect(assembler.nextExpired(at: 1_500) == nil && assembler.object(object.name) == nil)
    #expect(assembler.drained() == [7, 8] && assembler.reservedFrames == 0 && assembler.reservedBytes == 0)
    #expect(assembler.counts.expired == 1 && assembler.counts.missing == 2)
    #expect(assembler.take(writer, 1, at: 1_600).cause == .afterExpiry)
    // A time that goes back is the latest one.
    #expect(assembler.take(try AssemblyCase.writer(2), 1, at: 0).cause == .accepted)
    #expect(assembler.nextDeadline == 2_600)
  }

  @Test("pieces can be fetched before the object is whole, and their frames given back one by one")
  func cutThrough() throws {
    let assembler = try AssemblyCase.assembler()
    let writer = try AssemblyCase.writer()
    let first = assembler.take(writer, 2, frame: 2)
    let name = try #require(first.object)
    #expect(first.hasNews)
    #expect(!assembler.take(writer, 0, frame: 0).hasNews)
    #expect(assembler.lent(name).map(\.destination) == [64, 0])
    #expect(assembler.lent(name) == [])
    #expect(assembler.take(writer, 3, frame: 3).hasNews)
    #expect(assembler.giveBack(name, count: 1) == 1)
    #expect(assembler.drained() == [2] && assembler.heldFrames == 2 && assembler.reservedFrames == 3)
    #expect(assembler.giveBack(name, count: 5) == 1, "what was not lent cannot be given back")
    #expect(assembler.take(writer, 2).cause == .duplicate, "though its frame is gone")
    #expect(assembler.take(writer, 1, frame: 1).completes)
    #expect(assembler.lent(name).map(\.destination) == [96, 32])
    #expect(assembler.finish(name))
    #expect(assembler.drained() == [0, 3, 1] && assembler.reservedFrames == 0)
  }

  @Test("an object that expires keeps the frames that are lent until they are given back, and no others")
  func expiryWhileLent() throws {
    let assembler = try AssemblyCase.assembler()
    let writer = try AssemblyCase.writer()
    let name = try #require(assembler.take(writer, 0, frame: 0).object)
    assembler.take(writer, 1, frame: 1)
    _ = assembler.lent(name, limit: 1)
    let object = try #require(assembler.nextExpired(at: 1_000))
    #expect(object.lent == 1 && object.received == 2)
    #expect(assembler.drained() == [1])
    #expect(assembler.lent(name) == [] && assembler.object(name)?.state == .expired)
    #expect(assembler.take(writer, 2, at: 1_000).cause == .afterExpiry)
    #expect(assembler.giveBack(name, count: 1) == 1)
    #expect(assembler.drained() == [0] && assembler.object(name) == nil && assembler.reservedFrames == 0)
    #expect(assembler.objectsUnderWay == 0 && assembler.counts.dropped == 0)
  }

  @Test("an object that the consumer gives up counts as such, and its name is no other object's")
  func drop() throws {
    let assembler = try AssemblyCase.assembler(AssemblyCase.limits(objects: 1))
    let name = try #require(assembler.take(try AssemblyCase.writer(1), 0, frame: 4).object)
    #expect(assembler.finish(name))
    #expect(assembler.drained() == [4] && assembler.counts.dropped == 1)
    #expect(assembler.take(try AssemblyCase.writer(1), 1).cause == .afterDrop)
    #expect(assembler.take(try AssemblyCase.writer(2), 1).cause == .accepted)
    #expect(!assembler.finish(name) && assembler.giveBack(name, count: 1) == 0 && assembler.lent(name) == [])
  }

  @Test("ended objects are remembered up to a number and for a time, then their numbers may be used again")
  func memory() throws {
    let assembler = try AssemblyCase.assembler(AssemblyCase.limits(ended: 2, memory: 100))
    for object in 1...3 as ClosedRange<UInt64> {
      assembler.finish(try #require(assembler.take(try AssemblyCase.writer(object), 0, at: 10).object))
    }
    #expect(assembler.take(try AssemblyCase.writer(2), 0, at: 10).cause == .afterDrop)
    #expect(assembler.take(try AssemblyCase.writer(1), 0, at: 10).cause == .accepted)
    #expect(assembler.take(try AssemblyCase.writer(3), 0, at: 110).cause == .afterDrop)
    #expect(assembler.take(try AssemblyCase.writer(3), 0, at: 111).cause == .accepted)
  }

  @Test("streams that are not configured have the profile of others, and a limit each")
  func others() throws {
    let few = StreamProfile(format: .bytes(limit: 4_096), deadline: 1_000, objectLimit: 1)
    let assembler = try AssemblyCase.assembler(AssemblyCase.limits(objects: 16), others: few)
    for stream in 10...12 as ClosedRange<UInt32> {
      #expect(assembler.take(try AssemblyCase.writer(1, stream: stream), 0).cause == .accepted)
      #expect(assembler.take(try AssemblyCase.writer(2, stream: stream), 0).cause == .streamFull)
    }
    while assembler.nextExpired(at: 1_000) != nil {}
    #expect(assembler.take(try AssemblyCase.writer(3, stream: 11), 0, at: 1_000).cause == .accepted)
  }

  @Test("settings that cannot be are refused")
  func settings() throws {
    var wrong: [AssemblyLimits] = []
    for change in [\AssemblyLimits.objects, \.frames, \.bytes, \.packetsPerObject, \.endedObjects] {
      for value in [0, -1, Int.max] {
        var limits = AssemblyCase.limits()
        limits[keyPath: change] = value
        wrong.append(limits)
      }
    }
    wrong.append(AssemblyCase.limits(objects: 1 << 20, packetsPerObject: 1 << 22))
    for limits in wrong { #expect(throws: PayloadError.self) { try AssemblyCase.assembler(limits) } }
    let profiles = [
      StreamProfile(format: .bytes(limit: 0), deadline: 1, objectLimit: 1),
      StreamProfile(format: .bytes(limit: 1 << 33), deadline: 1, objectLimit: 1),
      StreamProfile(format: .bytes(limit: 1), deadline: 0, objectLimit: 1),
      StreamProfile(format: .bytes(limit: 1), deadline: 1, objectLimit: 0),
      StreamProfile(format: .imageFloat32(channels: 3, height: 0, width: 4), deadline: 1, objectLimit: 1),
      StreamProfile(
        format: .imageUInt8(height: 1 << 20, width: 1 << 20, channels: 4), deadline: 1, objectLimit: 1),
    ]
    let different = Dictionary(
      uniqueKeysWithValues: (1...257 as ClosedRange<UInt32>).map { stream in
        (stream, StreamProfile(format: .bytes(limit: Int(stream)), deadline: 1, objectLimit: 1))
      })
    #expect(throws: PayloadError.self) { try AssemblyCase.assembler(streams: different) }
    #expect(throws: Never.self) { try AssemblyCase.assembler(streams: different.filter { $0.key < 257 }) }
    for profile in profiles {
      #expect(throws: PayloadError.self) { try AssemblyCase.assembler(streams: [1: profile]) }
      #expect(throws: PayloadError.self) { try AssemblyCase.assembler(others: profile) }
    }
  }
}

extension PayloadHeader {
  func with(_ change: (inout PayloadHeader) -> Void) -> PayloadHeader {
    var header = self
    change(&header)
    return header
  }
}
