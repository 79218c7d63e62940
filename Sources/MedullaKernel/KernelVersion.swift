/// A kernel's version, as far as features go by it.
package struct KernelVersion: Comparable, Hashable, Sendable, CustomStringConvertible {
  package let major: Int
  package let minor: Int

  /// Replacing a `struct_ops` map through its link came with 6.4, and `cong_control`'s signature of today
  /// with 6.10.
  package static let oldestForCongestion = KernelVersion(major: 6, minor: 10)

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
