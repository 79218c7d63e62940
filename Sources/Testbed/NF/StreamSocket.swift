import Foundation
import Glibc
import TestbedLink

/// A TCP connection of the calling thread's namespace that bytes are written to.
final class StreamSocket {
  private var descriptor: Int32

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close() }

  /// Tries again until somebody listens.
  ///
  /// - Parameter isAlive: whether who should listen still runs.
  static func connect(
    to address: String, port: Int, within limit: Duration, while isAlive: () -> Bool = { true }
  ) throws -> StreamSocket {
    let end = ContinuousClock.now + limit
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_port = in_port_t(port).bigEndian
    inet_pton(AF_INET, address, &place.sin_addr)
    while true {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { throw failure("make a socket") }
      let status = withUnsafePointer(to: &place) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if status == 0 { return StreamSocket(descriptor) }
      let failed = failure("connect to \(address)")
      Glibc.close(descriptor)
      guard ContinuousClock.now < end, isAlive() else { throw failed }
      try Interruption.check()
      usleep(20_000)
    }
  }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw Self.failure("send")
      }
      sent += count
    }
  }

  func close() {
    guard descriptor >= 0 else { return }
    Glibc.close(descriptor)
    descriptor = -1
  }

  private static func failure(_ what: String) -> TestbedError {
    TestbedError(
      .linkFailed, "The sender cannot \(what).", cause: String(cString: strerror(errno)),
      remedy: "Run the command again.")
  }
}

/// Takes connections at a port, reads all of each, and forgets it.
final class StreamDrain: @unchecked Sendable {
  private let descriptor: Int32
  private let ended = DispatchSemaphore(value: 0)

  init(address: String, port: Int, in namespace: NetworkNamespace) throws {
    descriptor = try namespace.inside {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      var yes: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
      var place = sockaddr_in()
      place.sin_family = sa_family_t(AF_INET)
      place.sin_port = in_port_t(port).bigEndian
      inet_pton(AF_INET, address, &place.sin_addr)
      let status = withUnsafePointer(to: &place) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard descriptor >= 0, status == 0, listen(descriptor, 16) == 0 else {
        throw TestbedError(
          .linkFailed, "The receiver cannot listen.", cause: String(cString: strerror(errno)),
          remedy: "Run the command again.")
      }
      return descriptor
    }
    Thread { [self] in
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else { break }
        while recv(connection, &buffer, buffer.count, 0) > 0 {}
        close(connection)
      }
      ended.signal()
    }.start()
  }

  func stop() {
    shutdown(descriptor, Int32(SHUT_RDWR))
    ended.wait()
    close(descriptor)
  }
}
