import Foundation

/// Huge pages of 2 MiB that are asked of the kernel, and given back with this value.
package final class HugePages {
  private static let file = "/proc/sys/vm/nr_hugepages"
  private let before: Int
  private let wanted: Int

  package init(count: Int) {
    before = Self.read() ?? 0
    wanted = before + count
    write(wanted)
  }

  deinit { write(before) }

  /// Whether the kernel had so many to give.
  package var areThere: Bool { (Self.read() ?? 0) >= wanted }

  private static func read() -> Int? {
    (try? String(contentsOfFile: file, encoding: .utf8)).flatMap {
      Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }

  private func write(_ count: Int) {
    try? "\(count)".write(toFile: Self.file, atomically: false, encoding: .utf8)
  }
}
