import Glibc
import MedullaBase

/// Why the kernel, libbpf or the compiler refused.
package enum KernelErrorCode: String, Sendable {
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
  /// Pins are not where others look for them.
  case wrongNamespace
  /// Another process holds a lock.
  case busy
  /// A system call failed.
  case system
}

package typealias KernelError = CodedError<KernelErrorCode>

extension KernelError {
  /// The error of a system or libbpf call; its number as `errno` or as a negative return value.
  package static func system(_ message: String, number: Int32 = errno, detail: String = "") -> KernelError {
    let positive = abs(number)
    let message = BPFFileSystem.named(message)
    var cause = String(cString: strerror(positive))
    if !detail.isEmpty { cause += "; " + detail }
    switch positive {
    case EPERM, EACCES:
      return KernelError(
        .permission, message, cause: cause,
        remedy: "run as root, or give CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; see `medulla doctor`")
    case ENOENT:
      return KernelError(.notFound, message, cause: cause)
    case EEXIST:
      return KernelError(.exists, message, cause: cause)
    case E2BIG where message.hasPrefix("load"):
      return KernelError(
        .verifier, message, cause: cause,
        remedy: "the program is too large for the verifier; use a smaller network")
    case EOPNOTSUPP, ENOSYS, 524:
      return KernelError(
        .missingFeature, message, cause: cause, remedy: "`medulla doctor` shows what this kernel lacks")
    default:
      return KernelError(.system, message, cause: cause)
    }
  }
}
