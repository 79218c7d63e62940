import Foundation

/// Whole files, and pipes to their end, bounded in size.
package enum BoundedInput {
  /// Why there is no data, as the end of a sentence that begins with the path.
  package struct Failure: Error {
    package let reason: String
  }

  private static let chunk = 1 << 20

  /// - Parameters:
  ///   - limit: the most bytes that are taken; a pipe is not asked for more.
  ///   - patience: how long a pipe may give nothing; nil waits as long as it takes.
  package static func read(
    _ path: String, limit: Int, patience: Duration? = nil
  ) throws(Failure) -> Data {
    // Without waiting, a pipe that nobody writes to opens too, and gives nothing.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | (patience == nil ? 0 : O_NONBLOCK))
    guard descriptor >= 0 else { throw unreadable(errno) }
    defer { close(descriptor) }
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: chunk)
    while true {
      let count = Foundation.read(descriptor, &buffer, chunk)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN, let patience {
        try wait(for: descriptor, patience)
        continue
      }
      guard count >= 0 else { throw unreadable(errno) }
      if count == 0 {
        if data.isEmpty, isPipe(descriptor) { throw Failure(reason: "is a pipe that nothing came from") }
        return data
      }
      guard data.count + count <= limit else {
        throw Failure(reason: "has more than \(limit) bytes, which are the most that are read")
      }
      data.append(contentsOf: buffer[..<count])
    }
  }

  private static func wait(for descriptor: Int32, _ patience: Duration) throws(Failure) {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&request, 1, Int32(patience / .milliseconds(1))) == 0 else { return }
    throw Failure(reason: "is a pipe that gave nothing for \(patience)")
  }

  private static func isPipe(_ descriptor: Int32) -> Bool {
    var facts = stat()
    return fstat(descriptor, &facts) == 0 && facts.st_mode & S_IFMT == S_IFIFO
  }

  private static func unreadable(_ code: Int32) -> Failure {
    Failure(reason: "cannot be read: \(String(cString: strerror(code)).lowercased())")
  }
}
