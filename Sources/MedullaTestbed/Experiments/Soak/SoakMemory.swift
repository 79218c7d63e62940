import Foundation

/// Flows that ever took a slot, summed over snapshots: a slot's own counts begin anew with each snapshot, so
/// what it had for the one before is kept here. Exact when a slot is looked at after its snapshot was retired
/// and before it gets another.
struct FlowLedger: Equatable {
  /// By the snapshot's version, which is never given twice.
  private var taken: [UInt64: Int] = [:]

  /// Takes in a look: each slot's version and the flows that took it, less those moved away.
  mutating func note(_ slots: [(version: UInt64, taken: Int)]) {
    for slot in slots { taken[slot.version] = slot.taken }
  }

  var total: Int { taken.values.reduce(0, +) }
}

/// The kernel's own memory, where slots, samples and flows' state would leak.
enum SoakMemory {
  /// Slabs, and what programs and maps have of vmalloc, in bytes: `Slab`, `VmallocUsed` and `Percpu` of
  /// `/proc/meminfo`. Other programs' sockets and files are in it too.
  static func kernelBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    return kernelBytes(text)
  }

  static func kernelBytes(_ text: String) -> Int {
    let wanted = ["SUnreclaim:", "VmallocUsed:", "Percpu:"]
    return text.split(separator: "\n").reduce(0) { sum, line in
      let words = line.split(separator: " ")
      guard words.count >= 2, wanted.contains(String(words[0])), let kilobytes = Int(words[1]) else {
        return sum
      }
      return sum + kilobytes * 1024
    }
  }
}
