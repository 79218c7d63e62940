import Foundation

/// Processor time as `/proc/stat` counts it, over all processors, in seconds since boot.
package struct ProcessorTimes: Equatable, Sendable {
  package var softirq: Double
  package var busy: Double
  package var total: Double

  /// Of all processors together, and of each by its number.
  package static func read() throws -> (all: ProcessorTimes, each: [ProcessorTimes]) {
    let text = try String(contentsOfFile: "/proc/stat", encoding: .utf8)
    guard let times = ProcessorTimes(text) else {
      throw TestbedError(.unreadableReport, "/proc/stat cannot be read.", remedy: "Use Linux.")
    }
    return (times, each(text))
  }

  static func each(_ text: String) -> [ProcessorTimes] {
    text.split(separator: "\n").filter { line in
      line.hasPrefix("cpu") && line.dropFirst(3).first?.isNumber == true
    }.compactMap { ProcessorTimes(line: $0) }
  }

  /// nil when the text has no line of all processors.
  init?(_ text: String) {
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("cpu ") }) else { return nil }
    self.init(line: line)
  }

  /// user, nice, system, idle, iowait, irq, softirq, steal.
  private init?(line: Substring) {
    let ticks = line.split(separator: " ").dropFirst().compactMap { Double($0) }
    guard ticks.count >= 8 else { return nil }
    let seconds = ticks.prefix(8).map { $0 / Self.ticksPerSecond }
    softirq = seconds[6]
    total = seconds.reduce(0, +)
    busy = total - seconds[3] - seconds[4]
  }

  /// The user interface's unit of time, which Linux has fixed at 10 ms.
  static let ticksPerSecond = 100.0

  /// Seconds of processor time that a process and its ended children have used; nil when it is gone.
  package static func ofProcess(_ identifier: Int32) -> Double? {
    guard let text = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8) else {
      return nil
    }
    return processSeconds(text)
  }

  /// Fields 14 to 17 of `/proc/PID/stat`, counted after the name, which may contain anything.
  static func processSeconds(_ text: String) -> Double? {
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ").map { Double($0) ?? 0 }
    guard fields.count > 14 else { return nil }
    return fields[11...14].reduce(0, +) / ticksPerSecond
  }

  /// Bytes of memory that a process has resident; nil when it is gone.
  package static func residentBytes(_ identifier: Int32) -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/\(identifier)/statm", encoding: .utf8),
      let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    return pages * 4_096
  }
}
