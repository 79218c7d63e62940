import Glibc
import MedullaBase

package enum NFErrorCode: String, Sendable {
  /// A setting that cannot be.
  case badSettings
  /// A privilege is missing.
  case permission
  /// The interface is missing, or is not what is needed.
  case interface
  /// Memory or descriptors are out.
  case resources
  /// The host or the function on the other side says what is not of this version.
  case handshake
  /// The host has gone, or has ended the function.
  case hostGone
  /// A packet engine beside the kernel's is not here, or failed.
  case engine
  /// A system call failed.
  case system
}

package typealias NFError = CodedError<NFErrorCode>

extension NFError {
  /// The error of a call; `number` as `errno` or as a negative return value.
  package static func system(_ message: String, _ number: Int32, remedy: String = "") -> NFError {
    let positive = abs(number)
    let cause = String(cString: strerror(positive))
    switch positive {
    case EPERM, EACCES:
      return NFError(
        .permission, message, cause: cause,
        remedy: remedy.isEmpty ? "run as root, or give CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF" : remedy)
    case ENODEV: return NFError(.interface, message, cause: cause, remedy: remedy)
    case ENOMEM, EMFILE, ENFILE, ENOBUFS:
      return NFError(.resources, message, cause: cause, remedy: remedy)
    default: return NFError(.system, message, cause: cause, remedy: remedy)
    }
  }
}
