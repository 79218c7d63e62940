import Foundation

/// Whole files, and pipes to their end, bounded in size.
package enum BoundedInput {
  /// Why there is no data, as the end of a sentence that begins with the path.
  package struct Failure: Error {
    package let reason: String
  }

  private static let chunk = 1 << 20

  /// - Parameter limit: the most bytes that are taken; a pipe is not asked for more.
  package static func read(_ path: String, limit: Int) throws(Failure) -> Data {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(errno) }
    defer { close(descriptor) }
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: chunk)
    while true {
      let count = Foundation.read(descriptor, &buffer, chunk)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(errno) }
      if count == 0 { return data }
      guard data.count + count <= limit else {
        throw Failure(reason: "has more than \(limit) bytes, which are the most that are read")
      }
      data.append(contentsOf: buffer[..<count])
    }
  }

  private static func unreadable(_ code: Int32) -> Failure {
    Failure(reason: "cannot be read: \(String(cString: strerror(code)).lowercased())")
  }
}
