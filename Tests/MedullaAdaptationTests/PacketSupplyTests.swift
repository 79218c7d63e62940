import CMedullaABI
import DatapathCases
import Foundation
import MedullaClassification
import MedullaFlows
import MedullaKernel
import PacketCases
import Testing

@testable import MedullaAdaptation

/// What comes through the filter before a packet socket, of frames on a wire.
@Suite(
  "First packets of flows by a packet socket (kernel)",
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct PacketSupplyTests {
  private static let limits = (tcp: Int(FIRST_PACKETS_TCP), other: Int(FIRST_PACKETS_OTHER))

  private static func frame(
    _ transport: UInt8, from port: Int = 4_000, turned: Bool = false, flags: UInt8 = 0x10, six: Bool = false,
    tags: [Int] = [], fragment: Int = 0
  ) -> [UInt8] {
    let ports = turned ? Wire.word(53) + Wire.word(port) : Wire.word(port) + Wire.word(53)
    let rest: [UInt8] =
      transport == 6
      ? [0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 1, 0, 0, 0, 0, 0]
      : Wire.word(8 + Wire.payload.count) + [0, 0]
    let body = ports + rest + Wire.payload
    let near: [UInt8] = six ? [0xfd] + [UInt8](repeating: 0, count: 14) + [1] : [10, 0, 0, 1]
    let far: [UInt8] = six ? [0xfd] + [UInt8](repeating: 0, count: 14) + [2] : [10, 0, 0, 2]
    let addresses = turned ? far + near : near + far
    let header: [UInt8] =
      six
      ? [0x60, 0, 0, 0] + Wire.word(body.count) + [transport, 64] + addresses
      : [0x45, 0] + Wire.word(20 + body.count) + [0, 1] + Wire.word(fragment) + [64, transport, 0, 0]
        + addresses
    return Wire.ethernet(six ? 0x86dd : 0x0800, tags: tags) + header + body
  }

  /// How many of the frames come, of each list in turn, by one socket.
  private static func received(_ lists: [[[UInt8]]], pause: Duration = .zero) throws -> [Int] {
    let wire = try VethPair()
    let filter = try Classifier.firstPackets.object(header: "", compiler: BPFCompiler())
    return try wire.inside {
      let supply = PacketSupply(of: VethPair.receiver, through: filter)
      let socket = try PacketSocket(owning: supply.open(), of: VethPair.receiver)
      return try lists.map { frames in
        #expect(try wire.send(frames.count, on: 0) { frames[$0] } == frames.count)
        var count = 0
        while try socket.next() != nil { count += 1 }
        usleep(UInt32(pause.seconds * 1e6))
        return count
      }
    }
  }

  @Test("both directions of a flow together have so many, and other flows their own")
  func limited() throws {
    for six in [false, true] {
      let both = (0..<60).map { Self.frame(17, turned: $0 % 2 == 1, six: six) }
      let other = (0..<60).map { _ in Self.frame(17, from: 4_001, six: six) }
      let tcp = (0..<120).map { Self.frame(6, turned: $0 % 3 == 0, six: six) }
      let counts = try Self.received([both, other, tcp, both + other + tcp])
      #expect(counts == [Self.limits.other, Self.limits.other, Self.limits.tcp, 0], "IPv6: \(six)")
    }
  }

  @Test("the first packet that ends a connection comes, and a new one of the same ends is seen again")
  func ended() throws {
    let segments = [Self.frame(6, flags: 0x02)] + (0..<100).map { _ in Self.frame(6) }
    let end = [Self.frame(6, flags: 0x11), Self.frame(6, turned: true, flags: 0x11)]
    // A second at least has passed since it began.
    let counts = try Self.received([segments, end, segments, segments], pause: .seconds(1.1))
    #expect(counts == [Self.limits.tcp, 1, Self.limits.tcp, 0])
  }

  @Test("tags of virtual networks hide no flow, fragments and options come all, what is no IP does not")
  func others() throws {
    let tagged = (0..<40).map { _ in Self.frame(17, tags: [0x8100]) }
    let fragments = (0..<40).map { _ in Self.frame(17, from: 4_002, fragment: 100) }
    var option = Self.frame(17, from: 4_003)
    option[14] = 0x46
    let address = Wire.ethernet(0x0806) + [UInt8](repeating: 0, count: 46)
    let counts = try Self.received([
      tagged, fragments, [[UInt8]](repeating: option, count: 40), [[UInt8]](repeating: address, count: 40),
    ])
    #expect(counts == [Self.limits.other, 40, 40, 0])
  }

  @Test("whoever is handed the socket cannot take the filter away")
  func locked() throws {
    let wire = try VethPair()
    let filter = try Classifier.firstPackets.object(header: "", compiler: BPFCompiler())
    try wire.inside {
      let descriptor = try PacketSupply(of: VethPair.receiver, through: filter).open()
      defer { close(descriptor) }
      var none: Int32 = 0
      #expect(setsockopt(descriptor, SOL_SOCKET, SO_DETACH_FILTER, &none, 4) == -1 && errno == EPERM)
    }
  }

  @Test("an object that is no filter is an error that says so")
  func broken() throws {
    let error = #expect(throws: KernelError.self) { try PacketSupply(of: "lo", through: [1, 2, 3]).open() }
    #expect(error?.code == .invalid)
  }
}
