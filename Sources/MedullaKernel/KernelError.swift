import Glibc

/// Why the kernel, libbpf or the compiler refused.
public struct KernelError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// A privilege is missing.
    case permission
    /// The kernel lacks a feature, or it is switched off.
    case missingFeature
    /// The verifier refused a program.
    case verifier
    /// A compiler, header or tool is missing or too old.
    case toolchain
    /// A source did not compile.
    case compilation
    /// A pinned object, program or map does not exist.
    case notFound
    /// Something of that name exists already.
    case exists
    /// A value has the wrong size or lies outside its range.
    case invalid
    /// What was found in the kernel does not fit what this version expects.
    case mismatch
    /// Another process holds a lock.
    case busy
    /// A system call failed.
    case system
  }

  public let code: Code
  /// What happened, with the object by name.
  public let message: String
  /// What the kernel or tool said; empty when it said nothing.
  public let reason: String
  /// What the user can do about it.
  public let remedy: String
  /// All that the verifier said; empty when it was not asked.
  public let log: String

  public init(
    _ code: Code, _ message: String, reason: String = "", remedy: String = "", log: String = ""
  ) {
    self.code = code
    self.message = message
    self.reason = reason
    self.remedy = remedy
    self.log = log
  }

  public var description: String {
    var text = message
    if !reason.isEmpty { text += ": \(reason)" }
    text += " [\(code.rawValue)]"
    if !remedy.isEmpty { text += "\n  help: \(remedy)" }
    return text
  }
}

extension KernelError {
  /// The error of a system or libbpf call; its number as `errno` or as a negative return value.
  static func system(_ message: String, number: Int32 = errno, detail: String = "") -> KernelError {
    let positive = abs(number)
    var reason = String(cString: strerror(positive))
    if !detail.isEmpty { reason += "; " + detail }
    switch positive {
    case EPERM, EACCES:
      return KernelError(
        .permission, message, reason: reason,
        remedy: "run as root, or give CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; see `medulla doctor`")
    case ENOENT:
      return KernelError(.notFound, message, reason: reason)
    case EEXIST:
      return KernelError(.exists, message, reason: reason)
    case E2BIG where message.hasPrefix("load"):
      return KernelError(
        .verifier, message, reason: reason,
        remedy: "the program is too large for the verifier; use a smaller network")
    case EOPNOTSUPP, ENOSYS, 524:
      return KernelError(
        .missingFeature, message, reason: reason, remedy: "`medulla doctor` shows what this kernel lacks")
    default:
      return KernelError(.system, message, reason: reason)
    }
  }
}
