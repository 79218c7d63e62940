import Glibc

/// A kernel's version, as far as features go by it.
package struct KernelVersion: Comparable, Hashable, Sendable, CustomStringConvertible {
  package let major: Int
  package let minor: Int

  /// Inference by test run works from here on; its verifier takes no key of a map from a function's argument
  /// yet, as packet functions give it.
  package static let oldest = KernelVersion(major: 6, minor: 1)
  /// Links of programs for tc came with 6.6, replacing a `struct_ops` map through its link with 6.4.
  package static let oldestForEverything = KernelVersion(major: 6, minor: 6)

  /// Atomic operations in arenas, which switches of a fabric do.
  package static let oldestForFabrics = KernelVersion(major: 6, minor: 10)

  /// Of the kernel that runs; nil when its release does not begin with two numbers.
  package static var running: KernelVersion? {
    var names = utsname()
    guard uname(&names) == 0 else { return nil }
    return withUnsafeBytes(of: names.release) {
      KernelVersion(String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self))
    }
  }

  package init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// From `uname -r`, such as `6.18.44-cloud-amd64`; nil when it does not begin with two numbers.
  package init?(_ release: String) {
    let parts = release.split(separator: ".", maxSplits: 2)
    guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1].prefix { $0.isNumber })
    else { return nil }
    self.init(major: major, minor: minor)
  }

  package static func < (left: KernelVersion, right: KernelVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }

  package var description: String { "\(major).\(minor)" }
}
