import CHost
import DatapathCases
import Foundation
import Glibc
import PacketCases
import Testing

@testable import MedullaFlows

@Suite("Packets by a socket that was opened elsewhere")
struct PacketSocketTests {
  private static func frame(_ mark: UInt8, type: [UInt8] = [0x88, 0xb5], length: Int = 60) -> [UInt8] {
    [UInt8](repeating: 0xff, count: 12) + type + [UInt8](repeating: mark, count: length - 14)
  }

  /// The next frame that comes within a while, without the last test's tail of nothing.
  private static func next(_ socket: PacketSocket) throws -> (bytes: [UInt8], length: Int, time: UInt64)? {
    for _ in 0..<30 {
      if let frame = try socket.next() { return (Array(frame.bytes), frame.length, frame.nanoseconds) }
    }
    return nil
  }

  @Test(
    "frames come whole, with time and tag, from the interface alone and from its opening on (kernel)",
    .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
  func frames() throws {
    let wire = try VethPair()
    @Sendable func send(_ frames: [[UInt8]]) throws {
      #expect(try wire.send(frames.count, on: 0) { frames[$0] } == frames.count)
    }
    try send([Self.frame(1)])
    try wire.inside {
      let socket = try PacketSocket(owning: PacketSocket.open(VethPair.receiver), of: VethPair.receiver)
      #expect(socket.link == .ethernet)
      // Of a virtual network: the kernel takes the tag out on its way.
      let tagged = [UInt8](repeating: 0xff, count: 12) + [0x81, 0, 0, 42] + Self.frame(3).dropFirst(12)
      try send([Self.frame(2), tagged, Self.frame(4, length: 1_500)])
      let first = try #require(try Self.next(socket))
      #expect(first.bytes == Self.frame(2) && first.length == 60)
      let age = Int64(Date().timeIntervalSince1970 * 1e9) - Int64(first.time)
      #expect(abs(age) < 60_000_000_000)
      let second = try #require(try Self.next(socket))
      #expect(second.bytes == tagged && second.length == 64)
      #expect(try Self.next(socket)?.bytes == Self.frame(4, length: 1_500))
      #expect(try socket.next() == nil && socket.lost == 0)
    }
  }

  @Test(
    "what finds no room is counted; an interface may be down for a while, and is missed for good (kernel)",
    .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
  func comesAndGoes() throws {
    let wire = try VethPair()
    try wire.inside {
      let socket = try PacketSocket(owning: PacketSocket.open(VethPair.receiver), of: VethPair.receiver)
      let many = 60_000
      #expect(try wire.send(many, on: 0) { _ in Self.frame(5) } == many)
      var came = 0
      while try socket.next() != nil { came += 1 }
      #expect(socket.lost > 0 && UInt64(came) + socket.lost == UInt64(many), "\(came) \(socket.lost)")
      for state in ["down", "up"] {
        try SlowLoopback.run(["ip", "-n", wire.name, "link", "set", VethPair.receiver, state])
        #expect(try socket.next() == nil)
      }
      #expect(try wire.send(1, on: 0) { _ in Self.frame(6) } == 1)
      #expect(try Self.next(socket)?.bytes == Self.frame(6))
      try SlowLoopback.run(["ip", "-n", wire.name, "link", "del", VethPair.receiver])
      let error = #expect(throws: CaptureError.self) { while true { _ = try socket.next() } }
      #expect(error?.code == .unreadable && error?.message.contains("no longer") == true)
    }
  }

  @Test(
    "of a link without Ethernet's header packets begin with IP, and the loopback's come once (kernel)",
    .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
  func links() throws {
    let wire = try VethPair()
    try wire.inside {
      let tunnel = medulla_open_tun("med-ip")
      try #require(tunnel >= 0, "\(tunnel)")
      defer { close(tunnel) }
      for line in ["link set med-ip up", "addr add 203.0.113.1/24 dev med-ip"] {
        try SlowLoopback.run(["ip", "-n", wire.name] + line.split(separator: " ").map(String.init))
      }
      for (device, target, link) in [
        ("med-ip", "203.0.113.9", LinkLayer.raw), ("lo", "127.0.0.1", .ethernet),
      ] {
        let socket = try PacketSocket(owning: PacketSocket.open(device), of: device)
        #expect(socket.link == link)
        try Self.sendDatagram(to: target, port: 5_353)
        let packet = try #require(try Self.next(socket), "\(device)")
        let start = link == .raw ? 0 : 14
        #expect(packet.bytes[start] == 0x45 && packet.bytes[start + 9] == 17, "\(packet.bytes)")
        if device == "med-ip" { #expect(try socket.next() == nil) }
        // From there the answer that nobody listens, which is ICMP; the datagram does not come again.
        while let more = try socket.next() { #expect(more.bytes[start + 9] != 17) }
      }
    }
  }

  private static func sendDatagram(to address: String, port: UInt16) throws {
    let socket = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(socket) }
    var to = sockaddr_in()
    to.sin_family = sa_family_t(AF_INET)
    to.sin_port = port.bigEndian
    inet_pton(AF_INET, address, &to.sin_addr)
    let sent = withUnsafePointer(to: &to) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket, "hello", 5, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    #expect(sent == 5)
  }

  @Test("what is no packet socket, and an interface that there is not, are refused with what to do")
  func refusals() throws {
    let missing = try #require(throws: CaptureError.self) { try PacketSocket.open("none-such") }
    #expect(missing.code == .unreadable && !missing.remedy.isEmpty)
    let pair = Pipe()
    let descriptor = dup(pair.fileHandleForReading.fileDescriptor)
    defer { close(descriptor) }
    let other = try #require(throws: CaptureError.self) {
      try PacketSocket(owning: descriptor, of: "eth0")
    }
    #expect(other.message.contains("no packet socket"))
  }
}
