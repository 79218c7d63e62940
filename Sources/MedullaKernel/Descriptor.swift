import Glibc

/// A file descriptor that is closed when its last owner goes.
final class Descriptor: Sendable {
  let number: Int32

  /// Takes over `number`.
  init(owning number: Int32) {
    self.number = number
  }

  /// An own descriptor of the same kernel object.
  static func duplicate(_ number: Int32, of what: String) throws(KernelError) -> Descriptor {
    let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw .system("duplicate the descriptor of \(what)") }
    return Descriptor(owning: copy)
  }

  deinit { close(number) }
}
