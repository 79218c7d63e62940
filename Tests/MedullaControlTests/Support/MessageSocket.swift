import Glibc
import MedullaControl

/// A datagram socket that hears what a service manager would.
final class MessageSocket {
  private let descriptor: Int32

  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw ControlError(.io, "\(path) is too long for a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let bound = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0 else { throw ControlError(.io, "cannot bind \(path): \(errno)") }
    var limit = timeval(tv_sec: 0, tv_usec: 200_000)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// The lines of the next message; none when there is none for a fifth of a second.
  func next() -> [String] {
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return [] }
    return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// All lines until one begins with `prefix`; nil when there is none in time.
  func lines(until prefix: String, seconds: Double = 30) -> [String]? {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var heard: [String] = []
    while ContinuousClock.now < deadline {
      let lines = next()
      heard += lines
      if lines.contains(where: { $0.hasPrefix(prefix) }) { return heard }
    }
    return nil
  }
}
