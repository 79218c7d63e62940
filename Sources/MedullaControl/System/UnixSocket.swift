import CHost
import Glibc

/// An address of a Unix socket: a path, or a name of its own after `@`.
struct UnixAddress {
  private var address = sockaddr_un()
  private let length: socklen_t

  init(_ path: String) throws(ControlError) {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count <= DaemonSettings.socketPathLimit, !bytes.contains(0) else {
      throw ControlError(
        .io,
        "\(path.prefix(200)) cannot be a socket's path: it must have 1 to "
          + "\(DaemonSettings.socketPathLimit) bytes")
    }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    if bytes[0] == UInt8(ascii: "@") { address.sun_path.0 = 0 }
    let header = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
    length = socklen_t(header + bytes.count + (bytes[0] == UInt8(ascii: "@") ? 0 : 1))
  }

  func use<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
    withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }
}

/// A stream socket in the file system.
enum UnixSocket {
  static let backlog: Int32 = 64
  private static let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

  /// Listens at `path` with the given permissions; a socket there that nobody listens at goes.
  ///
  /// - Throws: `alreadyRunning` when somebody does.
  static func listen(at path: String, mode: mode_t, group: gid_t?) throws(ControlError) -> Int32 {
    let address = try UnixAddress(path)
    try removeAbandoned(path, address: address)
    let descriptor = socket(AF_UNIX, type | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw system("make a socket") }
    do throws(ControlError) {
      // Nobody must get in between binding and setting the mode.
      let before = umask(0o177)
      let bound = address.use { bind(descriptor, $0, $1) }
      let number = errno
      umask(before)
      guard bound == 0 else { throw system("make the socket \(path)", number) }
      try open(path, mode: mode, group: group)
      guard Glibc.listen(descriptor, backlog) == 0 else { throw system("listen at \(path)") }
    } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }

  /// By a descriptor of the socket: its name may be in a directory of another user's.
  private static func open(_ path: String, mode: mode_t, group: gid_t?) throws(ControlError) {
    let entry = medulla_open_entry(AT_FDCWD, path)
    guard entry >= 0 else { throw system("look at \(path)", -entry) }
    defer { close(entry) }
    var facts = stat()
    guard fstat(entry, &facts) == 0, facts.st_mode & S_IFMT == S_IFSOCK else {
      throw ControlError(.io, "\(path) is no longer the socket that was made there")
    }
    let given = group.map { medulla_give_entry(entry, -1, Int64($0)) } ?? 0
    guard given == 0 else { throw system("give \(path) to its group", -given) }
    guard chmod("/proc/self/fd/\(entry)", mode) == 0 else { throw system("set the mode of \(path)") }
  }

  private static func removeAbandoned(_ path: String, address: UnixAddress) throws(ControlError) {
    var facts = stat()
    guard lstat(path, &facts) == 0 else { return }
    guard facts.st_mode & S_IFMT == S_IFSOCK else {
      throw ControlError(
        .io, "\(path) exists and is no socket", remedy: "choose another socket, or remove it")
    }
    let probe = socket(AF_UNIX, type, 0)
    guard probe >= 0 else { throw system("make a socket") }
    defer { close(probe) }
    guard address.use({ Glibc.connect(probe, $0, $1) }) != 0 else {
      throw ControlError(
        .alreadyRunning, "a daemon listens at \(path) already", remedy: "stop it, or choose another socket")
    }
    guard unlink(path) == 0 || errno == ENOENT else { throw system("remove the old socket \(path)") }
  }

  /// Connects, with a limit on the time that each later read and write may take.
  static func connect(to path: String, timeout: Duration) throws(ControlError) -> Int32 {
    let address = try UnixAddress(path)
    let descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { throw system("make a socket") }
    guard address.use({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
      let number = errno
      close(descriptor)
      if number == ENOENT || number == ECONNREFUSED {
        throw ControlError(
          .notRunning, "no daemon runs at \(path)",
          remedy: "start it with `medulla run CONFIG` or `systemctl start medullad`, or name its socket "
            + "with --socket or MEDULLA_SOCKET")
      }
      if number == EACCES || number == EPERM {
        throw ControlError(
          .io, "the socket \(path) is not open to you", remedy: "become root or a member of the group medulla"
        )
      }
      throw system("connect to \(path)", number)
    }
    setTimeout(descriptor, timeout)
    return descriptor
  }

  static func setTimeout(_ descriptor: Int32, _ timeout: Duration) {
    var limit = timeval()
    limit.tv_sec = Int(timeout.components.seconds)
    limit.tv_usec = Int(timeout.components.attoseconds / 1_000_000_000_000)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  static func system(_ what: String, _ number: Int32 = errno) -> ControlError {
    ControlError(.io, "cannot \(what): \(String(cString: strerror(number)))")
  }
}
