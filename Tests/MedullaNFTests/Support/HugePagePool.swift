import Foundation
import Glibc

/// Huge pages that are taken from the machine's memory for the time of a test.
final class HugePagePool {
  /// Of x86 and most others.
  static let pageBytes = 2 << 20

  private static let sizePath = "/proc/sys/vm/nr_hugepages"
  private static let freePath = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
  private let before: Int

  /// Has so many more pages, or as many of them as can be had.
  init?(adding pages: Int) {
    guard let before = Self.number(Self.sizePath) else { return nil }
    self.before = before
    guard Self.write(before + pages) else { return nil }
  }

  deinit { _ = Self.write(before) }

  /// Pages that nobody has.
  var free: Int { Self.number(Self.freePath) ?? 0 }

  /// Whether the machine gives so many, and takes them back.
  static func canHave(_ pages: Int) -> Bool {
    guard geteuid() == 0, let pool = HugePagePool(adding: pages) else { return false }
    return withExtendedLifetime(pool) { pool.free >= pages }
  }

  static var size: Int { number(sizePath) ?? 0 }

  private static func number(_ path: String) -> Int? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  private static func write(_ pages: Int) -> Bool {
    let descriptor = open(sizePath, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    let text = Array("\(pages)\n".utf8)
    return Glibc.write(descriptor, text, text.count) == text.count
  }
}
