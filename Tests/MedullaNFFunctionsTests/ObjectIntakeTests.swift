import MedullaBase
import MedullaPayload
import Testing

@testable import MedullaNFFunctions

@Suite("Objects out of frames")
struct ObjectIntakeTests {
  private static let piece = 700

  private static func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)] }

  /// A frame of UDP over IPv4.
  private static func frame(_ datagram: [UInt8], protocol number: UInt8 = 17) -> [UInt8] {
    [UInt8](repeating: 2, count: 12) + [8, 0, 0x45, 0] + word(28 + datagram.count)
      + [0, 0, 0, 0, 64, number, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2] + word(40_000) + word(9_000)
      + word(8 + datagram.count) + [0, 0] + datagram
  }

  /// The frames of an object.
  private static func frames(
    _ bytes: [UInt8], object: UInt64, hasDigest: Bool = true
  ) throws -> [[UInt8]] {
    let digest = bytes.withUnsafeBytes { PayloadDigest.of($0) }
    let writer = try PayloadWriter(
      kind: .bytes, stream: 1, object: object, size: bytes.count, pieceSize: piece,
      digest: hasDigest ? digest : nil)
    return (0..<writer.packets).map { sequence in
      var datagram = [UInt8](repeating: 0, count: PayloadHeader.bytes + piece)
      let count = bytes.withUnsafeBytes { all in
        datagram.withUnsafeMutableBytes { writer.write(sequence, of: all, to: $0) }
      }
      return frame(Array(datagram.prefix(count)))
    }
  }

  private static func intake() throws -> ObjectIntake {
    try ObjectIntake(
      StreamProfile(format: .bytes(limit: 1 << 16), deadline: 1_000, objectLimit: 4), quota: 512,
      byteLimit: 1 << 16, seed: 1)
  }

  /// How often the object has become whole, and how often damaged.
  private static func take(_ frames: [[UInt8]], _ intake: inout ObjectIntake) -> (whole: Int, damaged: Int) {
    var found = (whole: 0, damaged: 0)
    for frame in frames {
      let outcome = frame.withUnsafeBytes { intake.take($0, place: 0, at: 1) }
      guard case .arrived(let arrival) = outcome, arrival.completes else { continue }
      if arrival.isDamaged { found.damaged += 1 } else { found.whole += 1 }
      intake.finish(arrival.name)
    }
    intake.assembler.drainReleased { _ in }
    return found
  }

  @Test("an object with a damaged packet and a right header is never whole, in any order and with duplicates")
  func damaged() throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    var intake = try Self.intake()
    let first = 14 + 20 + 8 + PayloadHeader.bytes
    for object in UInt64(0)..<300 {
      let size = Int.random(in: 1...20_000, using: &generator)
      let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
      var frames = try Self.frames(bytes, object: object)
      let isDamaged = object % 3 != 0
      if isDamaged {
        let packet = frames.indices.randomElement(using: &generator) ?? 0
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
          // Any change, but none that takes back the one before.
          let place = Int.random(in: first..<frames[packet].count, using: &generator)
          let own = bytes[packet * Self.piece + place - first]
          frames[packet][place] = own ^ UInt8.random(in: 1...255, using: &generator)
        }
      }
      if object % 2 == 0 { frames.shuffle(using: &generator) }
      if let again = frames.randomElement(using: &generator) { frames.insert(again, at: frames.count - 1) }
      let found = Self.take(frames, &intake)
      #expect(found == (isDamaged ? (0, 1) : (1, 0)), "seed \(seed), object \(object)")
    }
    #expect(intake.damaged == 200 && intake.counts.completed == 300)
    #expect(intake.assembler.objectsUnderWay == 0 && intake.assembler.heldFrames == 0)
  }

  @Test("without a digest nothing is compared")
  func without() throws {
    var intake = try Self.intake()
    var frames = try Self.frames([UInt8](repeating: 7, count: 2_000), object: 1, hasDigest: false)
    frames[1][200] ^= 1
    #expect(Self.take(frames, &intake) == (1, 0))
    #expect(intake.damaged == 0)
  }

  @Test("an object that expires takes what was read of it along: the next one in its place is right")
  func expired() throws {
    var intake = try Self.intake()
    let bytes = (0..<3_000).map { UInt8($0 & 0xff) }
    for object in UInt64(0)..<20 {
      var frames = try Self.frames(bytes, object: object)
      if object % 2 == 0 { frames.removeLast() }
      #expect(Self.take(frames, &intake).whole == (object % 2 == 0 ? 0 : 1))
      while intake.nextExpired(at: 2_000 * (object + 1)) != nil {}
      intake.assembler.drainReleased { _ in }
    }
    #expect(intake.damaged == 0)
  }

  @Test("frames without an object are others; a header that is no header is refused")
  func other() throws {
    var intake = try Self.intake()
    let datagram = [UInt8](repeating: 3, count: 60)
    for (frame, isOther) in [
      (Self.frame(datagram, protocol: 6), true), (Array(Self.frame(datagram).prefix(20)), true),
      (Self.frame(datagram), false),
    ] {
      let outcome = frame.withUnsafeBytes { intake.take($0, place: 0, at: 1) }
      if case .other = outcome {
        #expect(isOther)
      } else if case .refused = outcome {
        #expect(!isOther)
      } else {
        Issue.record("it was taken")
      }
    }
    #expect(intake.otherFrames == 2)
  }
}
