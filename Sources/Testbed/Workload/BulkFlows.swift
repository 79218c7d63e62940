import Foundation
import TestbedLink

/// Any number of bulk TCP flows from one end of a link to the other, each as much as it can, by one thread.
package final class BulkFlows: @unchecked Sendable {
  package static let port: UInt16 = 7_001
  private static let chunkBytes = 32_768
  /// What a flow may have waiting in its socket: enough for any rate that it could have among many.
  private static let sendBufferBytes: Int32 = 262_144
  private static let waitMilliseconds: Int32 = 20

  // The lock guards `received` and `stopping`; the descriptors are the thread's own until it has ended.
  private let lock = NSLock()
  private var received: [Int]
  private var stopping = false
  private var isOver = false
  private let ended = DispatchSemaphore(value: 0)
  private let senders: [Int32]
  private let receivers: [Int32]

  /// Connects all flows, then lets them send.
  ///
  /// - Parameters:
  ///   - end: where the flows' senders are.
  ///   - port: another one for each workload on a link.
  ///   - fewAtOnce: the kernel sizes the sockets' buffers, as few flows need to fill any link.
  package init(
    count: Int, congestion: String, from end: LinkEnd = .client, port: UInt16 = BulkFlows.port,
    fewAtOnce: Bool = false,
    over link: LinkEmulator
  ) throws {
    received = [Int](repeating: 0, count: count)
    let pairs = try FlowPair.connect(count, from: end, port: port, opening: congestion, over: link) {
      guard !fewAtOnce else { return }
      try NamespaceSocket.set(SO_SNDBUF, of: SOL_SOCKET, to: Self.sendBufferBytes, $0.opened)
    }
    (senders, receivers) = (pairs.map(\.opened), pairs.map(\.accepted))
    let thread = Thread { [self] in
      run()
      ended.signal()
    }
    thread.name = "medulla-bulk"
    thread.start()
  }

  deinit { stop() }

  /// Bytes that the receiver has read of each flow since the start.
  package func receivedBytes() -> [Int] { lock.withLock { received } }

  /// Segments sent again by all flows, by TCP's own count.
  package func retransmits() -> Int {
    senders.reduce(0) { sum, descriptor in
      var info = tcp_info()
      var length = socklen_t(MemoryLayout<tcp_info>.size)
      guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &length) == 0 else { return sum }
      return sum + Int(info.tcpi_total_retrans)
    }
  }

  /// Ends all flows at once: nothing that is left in a socket is sent any more. Safe to call twice.
  package func abort() {
    guard !isOver else { return }
    // A socket that lingers for no time sends a reset when it is closed.
    var none = linger(l_onoff: 1, l_linger: 0)
    for descriptor in senders {
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &none, socklen_t(MemoryLayout<linger>.size))
    }
    stop()
  }

  /// Ends all flows; safe to call twice.
  package func stop() {
    lock.withLock { stopping = true }
    guard !isOver else { return }
    isOver = true
    ended.wait()
    for descriptor in senders + receivers { NamespaceSocket.abort(descriptor) }
  }

  private func run() {
    let count = senders.count
    var chunk = [UInt8](repeating: 0x6d, count: Self.chunkBytes)
    var watched =
      senders.map { pollfd(fd: $0, events: Int16(POLLOUT), revents: 0) }
      + receivers.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while !lock.withLock({ stopping }) {
      guard poll(&watched, nfds_t(watched.count), Self.waitMilliseconds) > 0 else { continue }
      var read: [(flow: Int, bytes: Int)] = []
      for index in watched.indices where watched[index].revents != 0 {
        let descriptor = watched[index].fd
        let broken = Int32(watched[index].revents) & (POLLERR | POLLNVAL) != 0
        if index < count {
          let sent = broken ? -1 : send(descriptor, chunk, chunk.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
          // A flow that has broken stays silent, and its goodput shows it.
          if sent < 0, errno != EAGAIN || broken { watched[index].fd = -1 }
        } else {
          let bytes = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
          if bytes > 0 { read.append((index - count, bytes)) }
          if bytes == 0 || (bytes < 0 && errno != EAGAIN) { watched[index].fd = -1 }
        }
      }
      if !read.isEmpty { lock.withLock { for item in read { received[item.flow] += item.bytes } } }
    }
  }
}
