import Foundation
import MedullaBase

#if canImport(Glibc)
import Glibc
#endif

/// The journal's file: it only grows, until it is written anew beside and put in its place. Used under a
/// lock.
///
/// What `append` has returned from is there after kill -9; with `isSynced` also after the power has failed.
/// A line that was not written to its end is cut off, at once or when the file is opened the next time.
final class BookJournal {
  let path: String
  private var file: Int32
  private let lock: Int32
  private var text: JournalText
  private(set) var length: Int
  /// What the last rewriting, or the opening, came to.
  private var baseLength: Int
  /// Bytes that may lie behind `length`, or may not lie on the disk: only a new file is known to be good.
  private(set) var needsRewriting = false

  /// Below it no file is written anew.
  static let smallest = 4 << 20
  /// More than any limits of a book come to.
  static let sizeLimit = 1 << 30

  struct Opened {
    let journal: BookJournal
    let entries: [BookEntry]
    /// Bytes of a last line that was not written to its end.
    let cutOff: Int
  }

  static func open(_ path: String) throws(LabelBookError) -> Opened {
    let lock = try locked(path)
    do throws(LabelBookError) {
      unlink(path + newEnding)
      let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard file >= 0 else { throw cannotOpen(path) }
      do throws(LabelBookError) {
        let bytes = try contents(of: file, path)
        let contents = try JournalText.read(bytes, path: path)
        let journal = BookJournal(path, file: file, lock: lock, contents)
        if bytes.count != contents.length || contents.length == 0 { try journal.begin() }
        return Opened(
          journal: journal, entries: contents.entries, cutOff: bytes.count - contents.length)
      } catch {
        close(file)
        throw error
      }
    } catch {
      close(lock)
      throw error
    }
  }

  private init(_ path: String, file: Int32, lock: Int32, _ contents: JournalText.Contents) {
    self.path = path
    self.file = file
    self.lock = lock
    text = contents.text
    length = contents.length
    baseLength = contents.length
  }

  deinit {
    close(file)
    close(lock)
  }

  /// Whether it has grown so much that it is to be written anew.
  var hasGrown: Bool { length > max(Self.smallest, baseLength * 2) }

  /// Writes entries behind the others, all or none.
  ///
  /// - Throws: `cannotWrite`; the file is then as it was before.
  func append(_ entries: [BookEntry], isSynced: Bool) throws(LabelBookError) {
    guard !entries.isEmpty else { return }
    guard !needsRewriting else {
      throw LabelBookError(.cannotWrite, "the journal \(path) must be written anew first")
    }
    var next = text
    var lines = Data()
    for entry in entries { lines += try next.line(entry) }
    do throws(LabelBookError) {
      try Self.write(lines, to: file, at: length, path)
      // What the disk may not have must not be spent on.
      if isSynced, fdatasync(file) != 0 {
        let failure = Self.cannotWrite(path)
        needsRewriting = true
        throw failure
      }
    } catch {
      if ftruncate(file, off_t(length)) != 0 { needsRewriting = true }
      throw error
    }
    text = next
    length += lines.count
  }

  /// Puts a file of these entries into the place of the old one.
  ///
  /// - Throws: `cannotWrite`; the old file is then still there, as it was.
  func rewrite(_ entries: [BookEntry]) throws(LabelBookError) {
    let beside = path + Self.newEnding
    let fresh = Glibc.open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard fresh >= 0 else { throw Self.cannotWrite(beside) }
    var next = JournalText()
    var written = 0
    do throws(LabelBookError) {
      var lines = JournalText.head
      for entry in entries {
        lines += try next.line(entry)
        guard lines.count >= Self.chunk else { continue }
        try Self.write(lines, to: fresh, at: written, beside)
        written += lines.count
        lines = Data()
      }
      try Self.write(lines, to: fresh, at: written, beside)
      written += lines.count
      guard fsync(fresh) == 0, rename(beside, path) == 0 else { throw Self.cannotWrite(beside) }
    } catch {
      close(fresh)
      unlink(beside)
      // Not to be tried again at each entry: the next time is when it has doubled.
      baseLength = max(baseLength, length)
      throw error
    }
    close(file)
    file = fresh
    (text, length, baseLength, needsRewriting) = (next, written, written, false)
    syncFolder()
  }

  /// Cuts a torn end off, and writes the first line of a new file.
  private func begin() throws(LabelBookError) {
    if length == 0 {
      guard ftruncate(file, 0) == 0 else { throw Self.cannotWrite(path) }
      do throws(LabelBookError) {
        try Self.write(JournalText.head, to: file, at: 0, path)
      } catch {
        ftruncate(file, 0)
        throw error
      }
      length = JournalText.head.count
      baseLength = length
    } else {
      guard ftruncate(file, off_t(length)) == 0 else { throw Self.cannotWrite(path) }
    }
    guard fsync(file) == 0 else { throw Self.cannotWrite(path) }
    syncFolder()
  }

  /// A new name may else be lost with the power. Some file systems cannot, and then need not.
  private func syncFolder() {
    let folder = (path as NSString).deletingLastPathComponent
    let descriptor = Glibc.open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  private static let newEnding = ".new"
  private static let lockEnding = ".lock"
  private static let chunk = 1 << 20
}

// The system's calls.
extension BookJournal {
  /// The lock goes with this process, however it ends.
  private static func locked(_ path: String) throws(LabelBookError) -> Int32 {
    let lock = Glibc.open(path + lockEnding, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0 else { throw cannotOpen(path + lockEnding) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let failure =
        errno == EWOULDBLOCK
        ? LabelBookError(
          .inUse, "another process writes the journal \(path)",
          remedy: "End it first, or give this one a path of its own.") : cannotOpen(path + lockEnding)
      close(lock)
      throw failure
    }
    return lock
  }

  private static func contents(of file: Int32, _ path: String) throws(LabelBookError) -> Data {
    var facts = stat()
    guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      throw LabelBookError(.cannotOpen, "\(path) is no regular file", remedy: "Name another path.")
    }
    guard facts.st_size <= sizeLimit else {
      throw LabelBookError(
        .broken, "the journal \(path) has \(facts.st_size) bytes, more than it can come to",
        remedy: "Move the file away: labels then begin anew.")
    }
    var bytes = Data(count: Int(facts.st_size))
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes { raw in
        raw.baseAddress.map { pread(file, $0 + done, raw.count - done, off_t(done)) } ?? 0
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw cannotOpen(path) }
      guard count > 0 else { break }
      done += count
    }
    return bytes.prefix(done)
  }

  private static func write(
    _ bytes: Data, to file: Int32, at offset: Int, _ path: String
  ) throws(LabelBookError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        raw.baseAddress.map { pwrite(file, $0 + done, raw.count - done, off_t(offset + done)) } ?? 0
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw cannotWrite(path) }
      done += count
    }
  }

  private static func cannotOpen(_ path: String) -> LabelBookError {
    LabelBookError(
      .cannotOpen, "cannot open \(path)", cause: String(cString: strerror(errno)),
      remedy: "Its folder must exist, and this process must be allowed to write there.")
  }

  private static func cannotWrite(_ path: String) -> LabelBookError {
    LabelBookError(
      .cannotWrite, "cannot write \(path)", cause: String(cString: strerror(errno)),
      remedy: "Make room on its disk; until then no agent is asked, and packets are decided as before.")
  }
}
