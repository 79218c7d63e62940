import Foundation
import TestbedLink

/// Sockets of this process that belong to another network namespace. A socket stays in the namespace in which
/// it was made, whatever its thread does later.
package enum NamespaceSocket {
  /// Runs `body` with the calling thread in the namespace, and brings it back.
  package static func within<Result>(
    _ namespace: NetworkNamespace, _ body: () throws -> Result
  ) throws -> Result {
    try namespace.inside(body)
  }

  /// A UDP socket that listens on an address, or sends to one. Never blocks.
  static func udp(
    in namespace: NetworkNamespace, boundTo own: String? = nil, connectedTo peer: String? = nil, port: UInt16
  ) throws -> Int32 {
    try within(namespace) {
      let descriptor = try make(SOCK_DGRAM.rawValue)
      return try keeping(descriptor) {
        if let own { try bind(descriptor, own, port) }
        if let peer {
          let status = withAddress(peer, port) { Glibc.connect(descriptor, $0, $1) }
          guard status == 0 else { throw failure("connect to \(peer)", errno) }
        }
      }
    }
  }

  /// A TCP socket that listens. Never blocks.
  ///
  /// - Parameters:
  ///   - congestion: what the sockets that it accepts send with; nil: the system's own.
  ///   - mark: the code point of their packets; nil: none is set.
  static func tcpListener(
    in namespace: NetworkNamespace, _ address: String, port: UInt16, congestion: String? = nil,
    mark: UInt8? = nil
  ) throws -> Int32 {
    try within(namespace) {
      let descriptor = try make(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
      return try keeping(descriptor) {
        try set(SO_REUSEADDR, of: SOL_SOCKET, to: 1, descriptor)
        try select(congestion, descriptor)
        try self.mark(mark, descriptor)
        try bind(descriptor, address, port)
        guard listen(descriptor, 1024) == 0 else { throw failure("listen on \(address)", errno) }
      }
    }
  }

  /// A TCP socket whose connection has begun. Never blocks. The calling thread must be in the namespace
  /// already, as flows come often.
  ///
  /// - Parameters:
  ///   - congestion: what it sends with; nil: the system's own.
  ///   - mark: the code point of its packets; nil: none is set.
  static func tcpClient(
    _ address: String, port: UInt16, congestion: String?, mark: UInt8? = nil
  ) throws -> Int32 {
    let descriptor = try make(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
    return try keeping(descriptor) {
      try select(congestion, descriptor)
      try self.mark(mark, descriptor)
      let status = withAddress(address, port) { Glibc.connect(descriptor, $0, $1) }
      guard status == 0 || errno == EINPROGRESS else { throw failure("connect to \(address)", errno) }
    }
  }

  /// Most connections that are taken at once.
  private static let acceptLimit = 64

  /// Takes connections that wait at a listener. None blocks.
  static func accept(_ listener: Int32) -> [Int32] {
    var accepted: [Int32] = []
    while accepted.count < acceptLimit {
      let descriptor = Glibc.accept(listener, nil, nil)
      if descriptor < 0 { break }
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      accepted.append(descriptor)
    }
    return accepted
  }

  /// The port of a socket's own address; nil for a socket without one.
  static func port(of descriptor: Int32) -> UInt16? { port { getsockname(descriptor, $0, $1) } }

  /// The port at the other end of a connection.
  static func port(ofPeer descriptor: Int32) -> UInt16? { port { getpeername(descriptor, $0, $1) } }

  private static func port(
    _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> UInt16? {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask($0, &length) }
    }
    return status == 0 ? UInt16(bigEndian: address.sin_port) : nil
  }

  /// The congestion control that a socket sends with.
  static func congestion(of descriptor: Int32) -> String? {
    var name = [UInt8](repeating: 0, count: 16)
    var length = socklen_t(name.count)
    guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, &name, &length) == 0 else { return nil }
    return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Sets an option that is a number.
  static func set(
    _ option: Int32, of level: Int32 = Int32(IPPROTO_TCP), to value: Int32, _ descriptor: Int32
  ) throws {
    var value = value
    guard setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    else { throw failure("set an option of a socket", errno) }
  }

  /// Closes a connection without its last packets. What it has not sent would else stay in the kernel for
  /// minutes after its link is gone, and the memory of a thousand such flows slows down whatever comes next.
  static func abort(_ descriptor: Int32) {
    var now = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    close(descriptor)
  }

  /// The error that waits at a socket; 0: none.
  static func pendingError(_ descriptor: Int32) -> Int32 {
    var error: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
    return error
  }

  /// What failed and why, for an account.
  static func text(_ what: String, _ code: Int32) -> String {
    "\(what): \(String(cString: strerror(code)))"
  }

  private static func make(_ kind: __socket_type.RawValue) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(kind | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure("make a socket", errno) }
    return descriptor
  }

  private static func select(_ congestion: String?, _ descriptor: Int32) throws {
    guard let congestion else { return }
    let set = congestion.withCString {
      setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, $0, socklen_t(congestion.utf8.count))
    }
    guard set == 0 else { throw failure("select the congestion control \(congestion)", errno) }
  }

  private static func mark(_ code: UInt8?, _ descriptor: Int32) throws {
    guard let code else { return }
    try set(Int32(IP_TOS), of: Int32(IPPROTO_IP), to: Int32(code) << 2, descriptor)
  }

  private static func bind(_ descriptor: Int32, _ address: String, _ port: UInt16) throws {
    let status = withAddress(address, port) { Glibc.bind(descriptor, $0, $1) }
    guard status == 0 else { throw failure("bind to \(address) port \(port)", errno) }
  }

  /// The descriptor, closed when `body` throws.
  private static func keeping(_ descriptor: Int32, _ body: () throws -> Void) throws -> Int32 {
    do {
      try body()
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  private static func withAddress<Result>(
    _ text: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, text, &address.sin_addr)
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  static func failure(_ what: String, _ code: Int32) -> TestbedError {
    TestbedError(
      .linkFailed, "The workload cannot \(what): \(String(cString: strerror(code))).",
      remedy: "Run the command again; see `ulimit -n` and the system's log if it comes back.")
  }
}
