import Foundation
import Glibc

/// One TCP connection over a `SlowLoopback`, with a sender that never stops until told to.
package final class TestFlow: @unchecked Sendable {
  package let sender: Int32
  private let receiver: Int32
  private let lock = NSLock()
  private var sentBytes = 0
  private var sending = false
  private var ended = false
  private let threads = DispatchGroup()

  /// - Parameter congestion: selected by `setsockopt(TCP_CONGESTION)` before connecting.
  package init(_ loopback: SlowLoopback, congestion: String) throws {
    (sender, receiver) = try loopback.inside { try Self.connect(congestion: congestion) }
  }

  /// A connection whose accepting end, the sender, has its congestion control from the listener.
  ///
  /// - Parameter beforeConnecting: runs when the listener has selected `congestion` and no flow exists.
  package init(
    _ loopback: SlowLoopback, listenerCongestion congestion: String,
    beforeConnecting: @escaping @Sendable () throws -> Void
  ) throws {
    (receiver, sender) = try loopback.inside {
      try Self.connect(congestion: nil, listener: congestion, beforeConnecting: beforeConnecting)
    }
  }

  deinit { end() }

  package var sent: Int { lock.withLock { sentBytes } }

  /// The congestion control that the kernel says the sender has.
  package var congestion: String {
    var name = [UInt8](repeating: 0, count: 16)
    var size = socklen_t(name.count)
    getsockopt(sender, Int32(IPPROTO_TCP), 13, &name, &size)
    return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Whether the sender's rate was ever set: the kernel begins with the largest number.
  package var isPaced: Bool {
    // `tcp_info.tcpi_pacing_rate`, in bytes/s
    guard let rate = fact(at: 104, as: UInt64.self) else { return false }
    return rate > 0 && rate < UInt64.max
  }

  /// `tcp_info.tcpi_snd_ssthresh`, in packets; nil while slow start knows none.
  package var slowStartThreshold: UInt32? {
    fact(at: 76, as: UInt32.self).flatMap { $0 >= 0x7fff_ffff ? nil : $0 }
  }

  /// The most that the sender sends, in bytes/s, whatever its congestion control says.
  package func limit(to rate: UInt32) throws {
    var rate = rate
    guard setsockopt(sender, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, socklen_t(MemoryLayout<UInt32>.size)) == 0
    else { throw SlowLoopback.Failure(description: "SO_MAX_PACING_RATE refused: \(errno)") }
  }

  private func fact<Value: BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value? {
    var facts = [UInt8](repeating: 0, count: 232)
    var size = socklen_t(facts.count)
    guard getsockopt(sender, Int32(IPPROTO_TCP), 11, &facts, &size) == 0,
      Int(size) >= offset + MemoryLayout<Value>.size
    else { return nil }
    return facts.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
  }

  package func startSending() {
    lock.withLock { sending = true }
    let group = threads
    for role in [true, false] {
      group.enter()
      Thread { [self] in
        if role { sendLoop() } else { receiveLoop() }
        group.leave()
      }.start()
    }
  }

  /// Stops sending, leaving the connection open and idle.
  package func pause() {
    lock.withLock { sending = false }
  }

  /// Closes both ends; a second call does nothing, so that it never closes another's descriptor.
  package func end() {
    let isFirst = lock.withLock {
      defer { ended = true }
      return !ended
    }
    guard isFirst else { return }
    pause()
    shutdown(sender, Int32(SHUT_RDWR))
    shutdown(receiver, Int32(SHUT_RDWR))
    threads.wait()
    close(sender)
    close(receiver)
  }

  private func sendLoop() {
    let chunk = [UInt8](repeating: 7, count: 64 << 10)
    while lock.withLock({ sending }) {
      let count = send(sender, chunk, chunk.count, 0x4000)
      if count <= 0 { return }
      lock.withLock { sentBytes += count }
    }
  }

  private func receiveLoop() {
    var chunk = [UInt8](repeating: 0, count: 256 << 10)
    while recv(receiver, &chunk, chunk.count, 0) > 0 {}
  }

  private static func select(_ congestion: String?, on descriptor: Int32) throws {
    guard let congestion else { return }
    guard setsockopt(descriptor, Int32(IPPROTO_TCP), 13, congestion, socklen_t(congestion.utf8.count)) == 0
    else { throw SlowLoopback.Failure(description: "TCP_CONGESTION \(congestion) refused: \(errno)") }
  }

  private static func connect(
    congestion: String?, listener listenerCongestion: String? = nil, beforeConnecting: () throws -> Void = {}
  ) throws -> (Int32, Int32) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    try select(listenerCongestion, on: listener)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr(SlowLoopback.address)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(listener, raw, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, raw, &size) == 0
      }
    }
    guard bound else { throw SlowLoopback.Failure(description: "no listener: \(errno)") }
    let sender = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    do {
      try beforeConnecting()
      try select(congestion, on: sender)
    } catch {
      close(sender)
      throw error
    }
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(sender, $0, size) == 0 }
    }
    guard connected else { throw SlowLoopback.Failure(description: "no connection: \(errno)") }
    return (sender, accept(listener, nil, nil))
  }
}
