import DatapathCases
import Foundation
import Glibc
import MedullaCompile
import MedullaDatapath
import Synchronization
import Testing

/// What tests with real flows need, and where they get it.
enum KernelFlows {
  static let reason: Comment = "needs root, a kernel with TCP struct_ops, clang and iproute2"

  /// With MEDULLA_REQUIRE_KERNEL=1 such tests run, and fail where the kernel cannot.
  static let isUsable: Bool = {
    if ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1" { return true }
    let needed = ["privileges", "btf", "struct_ops", "clang", "ip"]
    return Doctor().examine().checks.allSatisfy { $0.ok || !needed.contains($0.name) }
  }()
}

/// A TCP connection that sends without end until it is told to stop.
final class BulkFlow: Sendable {
  private let sender: Int32
  private let receiver: Int32
  private let sentBytes = Mutex(0)
  private let isEnded = Mutex(false)
  private let threads = DispatchGroup()

  init(_ loopback: SlowLoopback, congestion: String) throws {
    (sender, receiver) = try loopback.inside { try Self.connect(congestion) }
    for isSender in [true, false] {
      threads.enter()
      Thread { [self] in
        if isSender { send() } else { receive() }
        threads.leave()
      }.start()
    }
  }

  var sent: Int { sentBytes.withLock { $0 } }

  /// Whether the connection has not been reset.
  var isWhole: Bool {
    var error: Int32 = 0
    var size = socklen_t(4)
    return getsockopt(sender, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0
  }

  func end() {
    let isFirst = isEnded.withLock { ended in
      defer { ended = true }
      return !ended
    }
    guard isFirst else { return }
    shutdown(sender, Int32(SHUT_RDWR))
    shutdown(receiver, Int32(SHUT_RDWR))
    threads.wait()
    close(sender)
    close(receiver)
  }

  private func send() {
    let chunk = [UInt8](repeating: 7, count: 64 << 10)
    while !isEnded.withLock({ $0 }) {
      let count = Glibc.send(sender, chunk, chunk.count, 0x4000)
      if count <= 0 { return }
      sentBytes.withLock { $0 += count }
    }
  }

  private func receive() {
    var chunk = [UInt8](repeating: 0, count: 256 << 10)
    while recv(receiver, &chunk, chunk.count, 0) > 0 {}
  }

  private static func connect(_ congestion: String) throws -> (Int32, Int32) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let sender = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let isReady = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(listener, raw, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, raw, &size) == 0
          && setsockopt(sender, Int32(IPPROTO_TCP), 13, congestion, socklen_t(congestion.utf8.count)) == 0
          && Glibc.connect(sender, raw, size) == 0
      }
    }
    guard isReady else {
      let code = errno
      close(sender)
      throw SlowLoopback.Failure(description: "no connection with \(congestion): \(code)")
    }
    return (sender, accept(listener, nil, nil))
  }
}
