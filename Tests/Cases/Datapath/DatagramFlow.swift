import Foundation
import Glibc

/// One UDP flow inside a namespace: a socket with a port of its own, which sends when it is told to.
package final class DatagramFlow: Sendable {
  private let descriptor: Int32

  package init(_ loopback: SlowLoopback, port: UInt16 = 9) throws {
    descriptor = try loopback.inside {
      let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = inet_addr(SlowLoopback.address)
      let status = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard status == 0 else { throw SlowLoopback.Failure(description: "no datagrams: \(errno)") }
      return descriptor
    }
  }

  deinit { close(descriptor) }

  /// Nobody listens: the answer is an ICMP error, which the next call reports and loses.
  package func send(_ text: String = "hello") {
    for _ in 0..<2 where Glibc.send(descriptor, text, text.utf8.count, 0) == text.utf8.count { return }
  }
}
