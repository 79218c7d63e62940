import Foundation
import Glibc

/// Which version of a file it is: what changes when somebody writes it, or puts another in its place.
package struct FileIdentity: Sendable, Equatable {
  let device: UInt64
  let inode: UInt64
  let bytes: Int64
  let seconds: Int
  let nanoseconds: Int

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    bytes = Int64(status.st_size)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }

  /// nil: there is no such file.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }
}

/// Files that are read whole, up to a bound.
enum BoundedFile {
  /// A file's bytes, and which version they are of.
  ///
  /// - Throws: `unreadable`, or `tooLarge`.
  static func read(_ path: String, limit: Int) throws(ListError) -> (bytes: Data, identity: FileIdentity) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(path) }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      throw ListError(.unreadable, "\(path) is a directory", remedy: "give a file")
    }
    var data = Data()
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    // Ends with the file, or beyond the limit.
    while data.count <= limit {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path) }
      if count == 0 { return (data, FileIdentity(status)) }
      data.append(contentsOf: piece[..<count])
    }
    throw ListError(
      .tooLarge, "\(path) has more than \(limit) bytes, which is what is read of such a file",
      remedy: "cut it into several")
  }

  /// - Throws: `unreadable` also for what is no UTF-8.
  static func text(_ path: String, limit: Int) throws(ListError) -> String {
    let bytes = try read(path, limit: limit).bytes
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ListError(.unreadable, "\(path) is no text in UTF-8", remedy: "write it in UTF-8")
    }
    return text
  }

  private static func unreadable(_ path: String) -> ListError {
    ListError(
      .unreadable, "\(path) cannot be read", cause: String(cString: strerror(errno)),
      remedy: "check the path, and that this process may read it")
  }
}
