import Foundation
import Glibc

/// Tells the service that started this process how it is doing (`sd_notify(3)`), by datagrams to the socket
/// that NOTIFY_SOCKET names. Without one nothing is told.
package struct ServiceNotification: Sendable {
  private let path: String?

  package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    path = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// How often WATCHDOG=1 must come; nil: nobody asks for it.
  package static func watchdogInterval(
    environment: [String: String] = ProcessInfo.processInfo.environment, process: pid_t = getpid()
  ) -> Duration? {
    guard let text = environment["WATCHDOG_USEC"], let microseconds = Int64(text), microseconds > 0 else {
      return nil
    }
    if let owner = environment["WATCHDOG_PID"], owner != String(process) { return nil }
    return .microseconds(microseconds)
  }

  /// Sends lines such as `READY=1`; false when nobody listens.
  @discardableResult
  package func send(_ lines: String...) -> Bool {
    guard let path, let address = try? UnixAddress(path) else { return false }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    let text = Array(lines.joined(separator: "\n").utf8)
    let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
    return address.use { sendto(descriptor, text, text.count, flags, $0, $1) } == text.count
  }

  /// The moment as RELOADING=1 wants it, in microseconds of the monotonic clock.
  static func monotonicMicroseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1_000
  }
}
