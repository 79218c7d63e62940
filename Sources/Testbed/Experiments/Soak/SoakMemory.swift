import Foundation
import TestbedMeasures

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

  /// Mean growth of a daemon's life, from its first look to its last, in MiB: what it fills in a minute.
  static func growthOfLives(_ looks: [StudyRun]) -> Double? {
    let growths = lives(looks).compactMap { life in
      life.count > 1 ? (life[life.count - 1].y - life[0].y) : nil
    }
    return growths.isEmpty ? nil : Statistics.mean(growths)
  }

  /// Seconds in which a daemon fills its caches and heap; measured: level after two minutes.
  static let settling = 150.0

  /// Growth of the daemon's last life after its caches are full, in MiB an hour; nil for a life too short.
  static func growthAlone(_ looks: [StudyRun]) -> Double? {
    guard let life = lives(looks).last, let first = life.first else { return nil }
    let late = life.filter { $0.x - first.x >= settling }
    return late.count > 9 ? Statistics.slope(late.map { (x: $0.x / 3600, y: $0.y) }) : nil
  }

  /// (seconds, MiB) of each of the daemon's lives.
  private static func lives(_ looks: [StudyRun]) -> [[(x: Double, y: Double)]] {
    let seen = looks.filter { $0[Soak.daemon] != nil }
    let lives: [Double: [StudyRun]] = Dictionary(grouping: seen) { $0[Soak.kills] ?? 0 }
    return lives.keys.sorted().map { life -> [(x: Double, y: Double)] in
      (lives[life] ?? []).map { look in (x: look[Soak.time] ?? 0, y: look[Soak.daemon] ?? 0) }
    }
  }
}
