import Foundation
import Glibc

/// A listening socket that the service brought along (`sd_listen_fds(3)`).
enum SocketActivation {
  static let firstDescriptor: Int32 = 3

  /// The first descriptor that was passed to this process; nil when there was none.
  ///
  /// - Throws: when it is no listening Unix stream socket, or there are several.
  static func take(
    environment: [String: String] = ProcessInfo.processInfo.environment, process: pid_t = getpid(),
    descriptor: Int32 = firstDescriptor
  ) throws(ControlError) -> Int32? {
    guard environment["LISTEN_PID"] == String(process), let text = environment["LISTEN_FDS"],
      let count = Int(text), count > 0
    else { return nil }
    // A child of this process must not take them for its own.
    for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) }
    guard count == 1 else {
      throw ControlError(.io, "\(count) sockets were passed", remedy: "medullad.socket must have one")
    }
    guard option(SO_DOMAIN, of: descriptor) == AF_UNIX,
      option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue),
      option(SO_ACCEPTCONN, of: descriptor) == 1
    else {
      throw ControlError(
        .io, "the socket that was passed is no listening Unix stream socket",
        remedy: "use ListenStream with a path in medullad.socket")
    }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    return descriptor
  }

  private static func option(_ name: Int32, of descriptor: Int32) -> Int32? {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
  }
}
