import Foundation

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
