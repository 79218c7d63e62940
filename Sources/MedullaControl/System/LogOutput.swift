import Glibc
import Synchronization

/// Writes lines to a descriptor that may fail, such as a pipe that was closed or a disk that is full: then
/// the line is lost and counted, and whoever logs goes on.
final class LogOutput: Sendable {
  private let lost = Mutex<UInt64>(0)

  /// Lines that could not be written since the last one that could.
  var lostLines: UInt64 { lost.withLock { $0 } }

  func write(_ line: String, to descriptor: Int32) {
    // The lock keeps lines of several threads whole, and in their order.
    lost.withLock { count in
      let note = count > 0 ? "(\(count) lines of the log were lost)\n" : ""
      if Self.writeAll(Array((note + line + "\n").utf8), to: descriptor) { count = 0 } else { count += 1 }
    }
  }

  private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
