/// The instructions that a program may be made of: what the compiler calls `-mcpu`.
package enum InstructionSet: String, Comparable, Sendable {
  /// Without sign extension on load, byte swaps of registers, signed division and long jumps: some programs
  /// take a sixth more time.
  case v3
  /// Linux 6.6; LLVM 18.
  case v4

  /// The oldest kernel that takes its programs and is tried with them.
  package var oldestKernel: KernelVersion {
    switch self {
    case .v3: .oldest
    case .v4: KernelVersion(major: 6, minor: 6)
    }
  }

  /// The best that a kernel takes; an unknown kernel is taken for one of today.
  package static func best(for kernel: KernelVersion?) -> InstructionSet {
    kernel.map { $0 >= Self.v4.oldestKernel } ?? true ? .v4 : .v3
  }

  package static func < (left: InstructionSet, right: InstructionSet) -> Bool {
    left.rawValue < right.rawValue
  }
}
