import Foundation
import Glibc
import MedullaControl

/// A TCP connection over the loopback that sends without end, under a congestion control that a
/// daemon hosts.
final class LoopbackFlow: @unchecked Sendable {
  private let sender: Int32
  private let receiver: Int32
  private let threads = DispatchGroup()
  private let lock = NSLock()
  private var bytes = 0
  private var isEnded = false

  init(congestion: String) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    // Unpaced it would be the processor that limits it, and such intervals are no business of the network's.
    var pace: UInt32 = 25_000_000
    let sender = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let isReady = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(listener, raw, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, raw, &size) == 0
          && setsockopt(sender, Int32(IPPROTO_TCP), 13, congestion, socklen_t(congestion.utf8.count)) == 0
          && setsockopt(sender, SOL_SOCKET, SO_MAX_PACING_RATE, &pace, 4) == 0
          && connect(sender, raw, size) == 0
      }
    }
    guard isReady else {
      let number = errno
      close(sender)
      throw ControlError(.io, "no connection with \(congestion): \(number)")
    }
    self.sender = sender
    receiver = accept(listener, nil, nil)
    for isSender in [true, false] {
      threads.enter()
      Thread { [self] in
        if isSender { send() } else { receive() }
        threads.leave()
      }.start()
    }
  }

  /// What has arrived.
  var received: Int { lock.withLock { bytes } }

  private func send() {
    let chunk = [UInt8](repeating: 7, count: 64 << 10)
    while !lock.withLock({ isEnded }) {
      if Glibc.send(sender, chunk, chunk.count, Int32(MSG_NOSIGNAL)) <= 0 { return }
    }
  }

  private func receive() {
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = recv(receiver, &chunk, chunk.count, 0)
      if count <= 0 { return }
      lock.withLock { bytes += count }
    }
  }

  deinit {
    close(sender)
    close(receiver)
  }

  func end() {
    lock.withLock { isEnded = true }
    shutdown(sender, Int32(SHUT_RDWR))
    shutdown(receiver, Int32(SHUT_RDWR))
    threads.wait()
  }
}
