import MedullaBase
import MedullaEngines
import MedullaPayload
import Testing

@testable import MedullaNFFunctions

@Suite("The ends of files in packets")
struct FileEndsTests {
  private static let block = 512

  private static func file(_ size: Int, seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  /// A frame of TCP over IPv4 with bytes of a stream.
  private static func frame(_ bytes: ArraySlice<UInt8>, sequence: UInt32, flags: UInt8) -> [UInt8] {
    func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)] }
    let number = withUnsafeBytes(of: sequence.bigEndian) { Array($0) }
    return [UInt8](repeating: 2, count: 12) + [8, 0, 0x45, 0] + word(40 + bytes.count)
      + [0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2] + word(40_000) + word(80) + number
      + [0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0] + bytes
  }

  @Test(
    "pieces in any order give the ends of the file", arguments: [1, 40, 511, 512, 513, 1_000, 1_024, 9_999])
  func anyOrder(_ size: Int) {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    let bytes = Self.file(size, seed: seed)
    var ends = FileEnds(stream: nil, name: "f", size: size, block: Self.block)
    for start in stride(from: 0, to: size, by: 100).shuffled(using: &generator) {
      Array(bytes[start..<min(start + 100, size)]).withUnsafeBytes { ends.take($0, at: start) }
    }
    #expect(ends.head == Array(bytes.prefix(Self.block)), "seed \(seed)")
    #expect(ends.tail == Array(bytes.suffix(Self.block)), "seed \(seed)")
  }

  @Test("a TCP stream in segments out of order, some twice, is the file that was sent")
  func stream() throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    let bytes = Self.file(20_000, seed: seed)
    var streams = try CopiedStreams(block: Self.block, flows: 16, idle: 1_000_000)
    var frames: [[UInt8]] = []
    for start in stride(from: 0, to: bytes.count, by: 700) {
      let end = min(start + 700, bytes.count)
      frames.append(
        Self.frame(
          bytes[start..<end], sequence: 1_001 &+ UInt32(start), flags: end == bytes.count ? 0x11 : 0x10))
    }
    // Neighbours change places, and some come twice.
    for index in stride(from: 0, to: frames.count - 1, by: 2) where Bool.random(using: &generator) {
      frames.swapAt(index, index + 1)
    }
    frames.insert(frames[3], at: 9)
    frames.insert(Self.frame([], sequence: 1_000, flags: 0x02), at: 0)
    var found: FileEnds?
    for (index, frame) in frames.enumerated() {
      try frame.withUnsafeBytes { raw in
        let segment = try StreamSegment(raw)
        let payload = UnsafeRawBufferPointer(rebasing: raw[segment.start..<(segment.start + segment.length)])
        if let ends = streams.take(segment, payload, at: UInt64(index) * 1_000) { found = ends }
      }
    }
    let ends = try #require(found, "seed \(seed)")
    #expect(ends.size == bytes.count && ends.name == "10.0.0.1:40000 > 10.0.0.2:80")
    #expect(ends.head == Array(bytes.prefix(Self.block)) && ends.tail == Array(bytes.suffix(Self.block)))
  }

  /// A frame of UDP over IPv4.
  private static func datagram(_ bytes: ArraySlice<UInt8>, port: Int = 53) -> [UInt8] {
    func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)] }
    return [UInt8](repeating: 2, count: 12) + [8, 0, 0x45, 0] + word(28 + bytes.count)
      + [0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2] + word(40_000) + word(port)
      + word(8 + bytes.count) + [0, 0] + bytes
  }

  @Test("datagrams between two ports are a stream in the order in which they come, which ends by silence")
  func datagramStream() throws {
    let seed = UInt64.random(in: .min ... .max)
    let (bytes, other) = (Self.file(9_100, seed: seed), Self.file(800, seed: ~seed))
    var streams = try CopiedStreams(block: Self.block, flows: 16, idle: 1_000_000)
    func take(_ frame: [UInt8], at now: UInt64) throws -> FileEnds? {
      try frame.withUnsafeBytes { raw in
        let segment = try StreamSegment(raw)
        return streams.take(
          segment, UnsafeRawBufferPointer(rebasing: raw[segment.start..<(segment.start + segment.length)]),
          at: now)
      }
    }
    // Two streams, datagram by datagram.
    for start in stride(from: 0, to: bytes.count, by: 700) {
      let now = UInt64(start) * 100
      #expect(try take(Self.datagram(bytes[start..<min(start + 700, bytes.count)]), at: now) == nil)
      guard start < other.count else { continue }
      #expect(
        try take(Self.datagram(other[start..<min(start + 700, other.count)], port: 54), at: now) == nil)
    }
    let last: UInt64 = 9_100 * 100
    func silent(at now: UInt64) -> FileEnds? { streams.nextExpired(at: now) }
    #expect(silent(at: last) == nil)
    let short = try #require(silent(at: 1_100_000), "seed \(seed)")
    #expect(short.size == other.count && short.name == "10.0.0.1:40000 > 10.0.0.2:54")
    #expect(short.head == Array(other.prefix(Self.block)) && short.tail == Array(other.suffix(Self.block)))
    let ends = try #require(silent(at: last + 1_000_000), "seed \(seed)")
    #expect(ends.size == bytes.count && ends.name == "10.0.0.1:40000 > 10.0.0.2:53")
    #expect(ends.head == Array(bytes.prefix(Self.block)) && ends.tail == Array(bytes.suffix(Self.block)))
    // What comes after the silence is another stream, of the same ports.
    #expect(try take(Self.datagram(other[..<300]), at: last + 1_000_001) == nil)
    let next = try #require(silent(at: last + 2_000_002), "seed \(seed)")
    #expect(next.size == 300 && next.head == Array(other.prefix(300)))
    #expect(silent(at: .max / 2) == nil && streams.counts[.afterEnd] == 0)
  }

  @Test("objects of bytes in shuffled packets are the files that were sent; a lost packet gives none")
  func objects() throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    var objects = try FileObjects(block: Self.block, limit: 1 << 20)
    let bytes = Self.file(30_000, seed: seed)
    for (number, lost) in [(UInt64(1), -1), (2, 4)] {
      let writer = try PayloadWriter(
        kind: .bytes, stream: 1, object: number, size: bytes.count, pieceSize: 1_000)
      var found: FileEnds?
      for sequence in (0..<writer.packets).shuffled(using: &generator) where sequence != lost {
        var datagram = [UInt8](repeating: 0, count: PayloadHeader.bytes + 1_000)
        let count = bytes.withUnsafeBytes { all in
          datagram.withUnsafeMutableBytes { writer.write(sequence, of: all, to: $0) }
        }
        datagram.prefix(count).withUnsafeBytes { raw in
          #expect(PayloadHeader.isObject(raw))
          if let ends = objects.take(raw, at: 5) {
            #expect(found == nil)
            found = ends
          }
        }
      }
      #expect((found != nil) == (lost < 0), "seed \(seed)")
      if let found {
        #expect(
          found.head == Array(bytes.prefix(Self.block)) && found.tail == Array(bytes.suffix(Self.block)))
      }
    }
    objects.expire(at: 60_000_000_000)
    #expect(objects.counts.expired == 1)
  }

  @Test("an object that is not what its digest says is no file, and the next one is")
  func damagedObject() throws {
    let seed = UInt64.random(in: .min ... .max)
    var objects = try FileObjects(block: Self.block, limit: 1 << 20)
    let bytes = Self.file(5_000, seed: seed)
    let digest = bytes.withUnsafeBytes { PayloadDigest.of($0) }
    for number in UInt64(1)...4 {
      let writer = try PayloadWriter(
        kind: .bytes, stream: 1, object: number, size: bytes.count, pieceSize: 1_000, digest: digest)
      var files = 0
      for sequence in 0..<writer.packets {
        var datagram = [UInt8](repeating: 0, count: PayloadHeader.bytes + 1_000)
        bytes.withUnsafeBytes { all in
          _ = datagram.withUnsafeMutableBytes { writer.write(sequence, of: all, to: $0) }
        }
        // In the middle, of which the types' network sees nothing.
        if number % 2 == 1, sequence == 2 { datagram[PayloadHeader.bytes + 500] ^= 0x10 }
        if datagram.withUnsafeBytes({ objects.take($0, at: 5) }) != nil { files += 1 }
      }
      #expect(files == (number % 2 == 1 ? 0 : 1), "seed \(seed)")
    }
    #expect(objects.damaged == 2 && objects.counts.completed == 4)
  }
}
