import Glibc

/// What people read on the way, on standard error; standard output is for data.
package enum Narration {
  package static func tell(_ line: String) { write(line + "\n") }

  /// What cannot be written there is lost: there is no place left to say so.
  package static func write(_ text: String) {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        raw.baseAddress.map { Glibc.write(STDERR_FILENO, $0 + sent, raw.count - sent) } ?? -1
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      sent += count
    }
  }
}
