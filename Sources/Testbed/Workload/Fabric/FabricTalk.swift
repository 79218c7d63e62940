import Foundation
import MedullaBase
import TestbedLink

/// Small datagrams between hosts of a fabric, which nobody answers, by a thread of their own until stopped.
package final class FabricTalk: @unchecked Sendable {
  private static let port: UInt16 = 7_101
  private let sockets: [Int32]
  private let receivers: [Int32]
  private let lock = NSLock()
  private var isStopped = false
  private let ended = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - flows: sockets, each with a port of its own, which take turns.
  ///   - pause: seconds between two datagrams of a socket.
  package init(over fabric: Fabric, from source: Int, flows: Int, every pause: Double) throws {
    let plan = fabric.plan
    var (sockets, receivers): ([Int32], [Int32]) = ([], [])
    do {
      // Or else hosts would say that nobody listens.
      for host in 0..<plan.hosts {
        let address = fabric.address(host, .service)
        receivers.append(try NamespaceSocket.udp(in: fabric.host(host), boundTo: address, port: Self.port))
      }
      for flow in 0..<flows {
        let peer = (source + plan.hostsPerLeaf + flow % plan.hostsPerLeaf) % plan.hosts
        sockets.append(
          try NamespaceSocket.udp(
            in: fabric.host(source), connectedTo: fabric.address(peer, .service), port: Self.port))
      }
    } catch {
      for socket in sockets + receivers { close(socket) }
      throw error
    }
    (self.sockets, self.receivers) = (sockets, receivers)
    let thread = Thread { [self] in run(pause) }
    thread.start()
  }

  private func run(_ pause: Double) {
    let rest = useconds_t(pause / Double(max(sockets.count, 1)) * 1e6)
    var next = 0
    while !lock.withLock({ isStopped }) {
      // What is lost is lost: also while a path is dead.
      _ = send(sockets[next], "x", 1, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
      next = (next + 1) % sockets.count
      usleep(rest)
    }
    for socket in sockets + receivers { close(socket) }
    ended.signal()
  }

  /// Once.
  package func stop() {
    lock.withLock { isStopped = true }
    ended.wait()
  }
}
