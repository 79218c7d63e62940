import CHost
import Foundation

/// Empties a processor's caches of everything else by reading twice as much memory as the largest one holds.
///
/// Nothing in user space reaches the kernel's text: what is not read any more has to be pushed out. Code goes
/// with the data, because all levels beyond the first hold both and the last one's lines leave the others
/// with it. The memory is only read once it is made, by any number of threads.
package final class CacheEviction: @unchecked Sendable {
  /// How often the last level is read over.
  private static let turns = 2
  /// Beyond this much the measurement would be in the way of the machine.
  private static let memoryLimit = 4 << 30
  private static let folder = "/sys/devices/system/cpu/cpu0/cache"

  package let bytes: Int
  private let memory: UnsafeMutableRawPointer
  private let line: Int

  /// - Throws: `missingFeature` where the system does not tell its caches, or memory is short.
  package init() throws(KernelError) {
    let caches = (0..<16).compactMap(Self.cache)
    guard let largest = caches.map(\.bytes).max(), let line = caches.map(\.line).min(), line >= 8 else {
      throw KernelError(
        .missingFeature, "find the sizes of the caches", cause: "\(Self.folder) does not tell them")
    }
    bytes = Self.turns * largest
    guard bytes <= Self.memoryLimit, let memory = medulla_take_memory(bytes) else {
      throw KernelError(
        .missingFeature, "take \(bytes >> 20) MiB to empty the caches with",
        cause: "there is too little memory",
        remedy: "free some")
    }
    self.memory = memory
    self.line = line
  }

  deinit { medulla_give_memory(memory, bytes) }

  /// Reads the memory over on the calling thread's processor.
  package func evict() { _ = medulla_read_lines(memory, bytes, line) }

  private static func cache(_ index: Int) -> (bytes: Int, line: Int)? {
    func text(_ name: String) -> String? {
      let text = try? String(contentsOfFile: "\(folder)/index\(index)/\(name)", encoding: .utf8)
      return text?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    guard let size = text("size"), let line = text("coherency_line_size").flatMap({ Int($0) }) else {
      return nil
    }
    let units = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
    guard let unit = units[String(size.suffix(1))], let count = Int(size.dropLast()) else { return nil }
    return (count * unit, line)
  }
}

/// Runs something on a thread of its own that stays on one processor, as what it evicts does.
package enum OneProcessor {
  /// - Throws: what `body` throws, and `system` where the thread cannot be kept.
  package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
    let outcome = Outcome<Value>()
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      outcome.result = Result {
        let status = medulla_stay_on_processor()
        guard status == 0 else { throw KernelError.system("keep a thread on its processor", number: status) }
        return try body()
      }
      done.signal()
    }
    thread.start()
    done.wait()
    guard let result = outcome.result else {
      throw KernelError(.system, "run on one processor", cause: "the thread gave no result")
    }
    return try result.get()
  }

  /// The thread's until it signals, the caller's afterwards.
  private final class Outcome<Value: Sendable>: @unchecked Sendable {
    var result: Result<Value, any Error>?
  }
}
