import Foundation

@testable import TestbedLink
@testable import TestbedWorkload

/// Numbered UDP packets through a link, timed by the sender before it sends and by the kernel as they come
/// in, both on the real-time clock.
final class LinkProbe {
  /// One packet that came through.
  struct Arrival {
    var number: Int
    var sent: Int64
    var received: Int64

    var delay: Int64 { received - sent }
  }

  private static let port: UInt16 = 7
  private let sender: Int32
  private let receiver: Int32
  private var number = 0

  init(over link: LinkEmulator) throws {
    receiver = try NamespaceSocket.udp(in: link.server, boundTo: LinkEmulator.Address.server, port: Self.port)
    sender = try NamespaceSocket.udp(
      in: link.client, connectedTo: LinkEmulator.Address.server, port: Self.port)
    var on: Int32 = 1
    // 35 is SO_TIMESTAMPNS, 33 SO_RCVBUFFORCE: macros that Swift does not see on every C library.
    setsockopt(receiver, SOL_SOCKET, 35, &on, socklen_t(MemoryLayout<Int32>.size))
    var bytes: Int32 = 64 << 20
    setsockopt(receiver, SOL_SOCKET, 33, &bytes, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit {
    close(sender)
    close(receiver)
  }

  /// Sends one packet of `bytes` IP bytes.
  func send(bytes: Int) {
    var payload = [UInt8](repeating: 0, count: bytes - 28)
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    payload.withUnsafeMutableBytes {
      $0.storeBytes(of: Int64(number), as: Int64.self)
      $0.storeBytes(of: Self.nanoseconds(time), toByteOffset: 8, as: Int64.self)
    }
    number += 1
    _ = Glibc.send(sender, payload, payload.count, Int32(MSG_DONTWAIT))
  }

  /// What has come since the last call.
  func receive() -> [Arrival] {
    var arrivals: [Arrival] = []
    var payload = [UInt8](repeating: 0, count: 16)
    var control = [UInt8](repeating: 0, count: 64)
    while true {
      let arrival: Arrival? = payload.withUnsafeMutableBytes { payload in
        control.withUnsafeMutableBytes { control in
          var part = iovec(iov_base: payload.baseAddress, iov_len: payload.count)
          return withUnsafeMutablePointer(to: &part) { part in
            var message = msghdr()
            message.msg_iov = part
            message.msg_iovlen = 1
            message.msg_control = control.baseAddress
            message.msg_controllen = control.count
            guard recvmsg(receiver, &message, Int32(MSG_DONTWAIT)) >= 16,
              message.msg_controllen >= 32
            else { return nil }
            // A header of 16 bytes, then the time.
            let time = control.loadUnaligned(fromByteOffset: 16, as: timespec.self)
            return Arrival(
              number: Int(payload.loadUnaligned(as: Int64.self)),
              sent: payload.loadUnaligned(fromByteOffset: 8, as: Int64.self),
              received: Self.nanoseconds(time))
          }
        }
      }
      guard let arrival else { return arrivals }
      arrivals.append(arrival)
    }
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
