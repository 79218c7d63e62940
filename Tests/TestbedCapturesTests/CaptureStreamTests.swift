import CMedullaABI
import Foundation
import MedullaBase
import MedullaFlows
import MedullaSnapshot
import TestbedLink
import Testing

@testable import TestbedCaptures

@Suite("Captures as one stream")
struct CaptureStreamTests {
  static let captures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../shared/data/captures").standardizedFileURL.path

  /// The sum over a header or segment in ones' complement; 0xffff when its checksum is right.
  private static func sum(_ bytes: [UInt8]) -> Int {
    var sum = 0
    for (place, byte) in bytes.enumerated() { sum += place % 2 == 0 ? Int(byte) << 8 : Int(byte) }
    while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
    return sum
  }

  /// The pseudo header of a segment of IPv4 or IPv6.
  private static func pseudo(_ addresses: [UInt8], _ transport: UInt8, _ length: Int) -> [UInt8] {
    addresses + [0, transport, UInt8(length >> 8), UInt8(length & 255)]
  }

  /// A frame of Ethernet with right checksums.
  private static func frame(_ generator: inout SeededGenerator, isFour: Bool, transport: UInt8) -> [UInt8] {
    func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in .random(in: 0...255, using: &generator) } }
    let length = isFour ? 4 : 16
    var addresses = bytes(length * 2)
    for first in [0, length] { addresses[first] = .random(in: 1..<224, using: &generator) }
    var segment = bytes(4) + (transport == 6 ? bytes(8) + [0x50, 0x10] + bytes(2) : [])
    let checksum = segment.count + (transport == 6 ? 0 : 2)
    segment +=
      (transport == 6 ? [0, 0, 0, 0] : [0, 0, 0, 0]) + bytes(.random(in: 0..<60, using: &generator))
    if transport == 17 {
      segment.replaceSubrange(4..<6, with: [UInt8(segment.count >> 8), UInt8(segment.count)])
    }
    let sum = ~sum(pseudo(addresses, transport, segment.count) + segment) & 0xffff
    segment.replaceSubrange(checksum..<checksum + 2, with: [UInt8(sum >> 8), UInt8(sum & 255)])
    let ethernet = bytes(12) + (isFour ? [8, 0] : [0x86, 0xdd])
    guard isFour else {
      return ethernet + [0x60, 0, 0, 0, UInt8(segment.count >> 8), UInt8(segment.count), transport, 64]
        + addresses + segment
    }
    let total = 20 + segment.count
    var header = [0x45, 0, UInt8(total >> 8), UInt8(total & 255)] + bytes(2) + [0, 0, 64, transport, 0, 0]
    header += addresses
    let own = ~Self.sum(header) & 0xffff
    header.replaceSubrange(10..<12, with: [UInt8(own >> 8), UInt8(own & 255)])
    return ethernet + header + segment
  }

  private static func isRight(_ frame: [UInt8], isFour: Bool, transport: UInt8) -> Bool {
    let addresses = Array(isFour ? frame[26..<34] : frame[22..<54])
    let segment = Array(frame[(isFour ? 34 : 54)...])
    return (!isFour || sum(Array(frame[14..<34])) == 0xffff)
      && sum(pseudo(addresses, transport, segment.count) + segment) == 0xffff
  }

  @Test("a turned frame has other addresses, the same ports and payload, and right checksums")
  func turned() throws {
    var generator = SeededGenerator(seed: 5)
    for number in 0..<2_000 {
      let (isFour, transport) = (number % 4 < 2, UInt8(number % 2 == 0 ? 6 : 17))
      let before = Self.frame(&generator, isFour: isFour, transport: transport)
      #expect(Self.isRight(before, isFour: isFour, transport: transport), "\(number)")
      var after = before
      let key = try #require(TurnedFrame.turn(&after, by: 7))
      #expect(Self.isRight(after, isFour: isFour, transport: transport), "\(number)")
      var packet = medulla_packet()
      #expect(before.withUnsafeBytes { LinkLayer.ethernet.parse($0, into: &packet) })
      let ports = (packet.key.source_port, packet.key.destination_port)
      medulla_turn(&packet)
      #expect(FlowKey(packet.key) != key)
      #expect(after.withUnsafeBytes { LinkLayer.ethernet.parse($0, into: &packet) })
      #expect((packet.key.source_port, packet.key.destination_port) == ports)
      #expect(after.count == before.count && after[Int(packet.header)...] == before[Int(packet.header)...])
      // Another turn is another flow, and the same one the same.
      var other = before
      #expect(TurnedFrame.turn(&other, by: 8) != key)
      other = before
      #expect(TurnedFrame.turn(&other, by: 7) == key && other == after)
    }
  }

  @Test("addresses of groups stay, others stay unicast; frames without a flow are left as they are")
  func groups() {
    func frame(_ source: [UInt8], _ destination: [UInt8]) -> [UInt8] {
      [UInt8](repeating: 2, count: 12) + [8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0] + source
        + destination
        + [0, 53, 0, 99, 0, 8, 0, 0]
    }
    var multicast = frame([10, 0, 0, 1], [224, 0, 0, 251])
    #expect(TurnedFrame.turn(&multicast, by: 3) != nil)
    #expect(Array(multicast[26..<34]) == [13, 0, 0, 1, 224, 0, 0, 251])
    var local = frame([127, 0, 0, 1], [126, 0, 0, 1])
    #expect(TurnedFrame.turn(&local, by: 1) != nil)
    #expect(Array(local[26..<34]) == [2, 128, 0, 1, 1, 0, 0, 1])
    var nothing = [UInt8](repeating: 1, count: 60)
    #expect(TurnedFrame.turn(&nothing, by: 1) == nil && nothing == [UInt8](repeating: 1, count: 60))
  }

  @Test(
    "a phase has its classes' captures, whole frames of the first packets, and the truth of each flow",
    .enabled(if: FileManager.default.fileExists(atPath: captures), "the captures are not there"))
  func phases() throws {
    let classes = [(name: "calls", categories: ["VoIP"]), (name: "tunnel", categories: ["VPN"])]
    let inputs = try FlowInputs(["packets", "head_bytes"].compactMap(InputFeature.init))
    let stream = try CaptureStream(
      CaptureFolder(Self.captures), classes: classes, packets: 5, inputs: inputs, at: .packet(4))
    let scratch = try ScratchDirectory("capture-stream-\(getpid())")
    let path = scratch.path("phase.pcap")
    let written = try stream.write([0], to: path, turn: 1, seed: 3)
    var meter = FlowMeter(idle: .seconds(3_600))
    let file = try CaptureFile(path)
    var (frames, known) = (0, Set<FlowKey>())
    while let frame = try file.next() {
      frames += 1
      #expect(frame.bytes.count == frame.length && frame.length <= 1_514)
      _ = try meter.take(frame, of: file.link)
      var packet = medulla_packet()
      #expect(file.link.parse(frame.bytes, into: &packet))
      medulla_turn(&packet)
      known.insert(FlowKey(packet.key))
    }
    #expect(frames == written.frames && frames > 100)
    #expect(known == Set(written.truth.keys) && written.truth.values.contains(0))
    #expect(meter.flows.allSatisfy { $0.packets <= 5 })
    // The same seed gives the same file, another phase other flows.
    let again = try stream.write([0], to: scratch.path("again.pcap"), turn: 1, seed: 3)
    #expect(again.truth == written.truth)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: path))
        == Data(contentsOf: URL(fileURLWithPath: scratch.path("again.pcap"))))
    let later = try stream.write([0], to: scratch.path("later.pcap"), turn: 2, seed: 3)
    #expect(Set(later.truth.keys).intersection(written.truth.keys).isEmpty)
    let rows = stream.rows(of: [0, 1])
    #expect(rows.words.count == rows.labels.count && Set(rows.labels) == [0, 1])
    #expect(rows.words.allSatisfy { $0.count == 2 })
  }
}
