import Glibc

/// Which file is at a path: another one whenever it is written anew, and the same under another name.
struct FileStamp: Equatable {
  private let device: UInt64
  private let inode: UInt64
  private let seconds: Int
  private let nanoseconds: Int

  /// nil: there is none.
  init?(_ path: String) {
    var found = stat()
    guard stat(path, &found) == 0 else { return nil }
    (device, inode) = (UInt64(found.st_dev), UInt64(found.st_ino))
    (seconds, nanoseconds) = (found.st_mtim.tv_sec, found.st_mtim.tv_nsec)
  }
}
