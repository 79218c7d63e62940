import Foundation
import TestbedLink

/// Where processor time goes between two readings.
package struct ProcessorMeter {
  /// Shares of all processors' time.
  package struct Shares: Codable, Equatable, Sendable {
    package var busy: Double
    package var softirq: Double
    /// By what a process is to the experiment; without those that ended meanwhile.
    package var processes: [String: Double]
    /// Of each processor's own time, by its number.
    package var busyByProcessor: [Double]
    package var softirqByProcessor: [Double]
  }

  private let start: (all: ProcessorTimes, each: [ProcessorTimes])
  private let processes: [String: Int32]
  private let before: [String: Double]

  /// Reads for the first time.
  ///
  /// - Parameter processes: their identifiers by name.
  package init(_ processes: [String: Int32] = [:]) throws {
    start = try ProcessorTimes.read()
    self.processes = processes
    before = processes.compactMapValues { ProcessorTimes.ofProcess($0) }
  }

  /// Shares since the start.
  package func read() throws -> Shares {
    let (now, each) = try ProcessorTimes.read()
    let elapsed = max(now.total - start.all.total, 1e-9)
    let used = processes.compactMapValues { ProcessorTimes.ofProcess($0) }
    func share(_ part: KeyPath<ProcessorTimes, Double>) -> [Double] {
      zip(start.each, each).map { ($1[keyPath: part] - $0[keyPath: part]) / max($1.total - $0.total, 1e-9) }
    }
    return Shares(
      busy: (now.busy - start.all.busy) / elapsed, softirq: (now.softirq - start.all.softirq) / elapsed,
      processes: used.reduce(into: [:]) { shares, item in
        guard let first = before[item.key] else { return }
        shares[item.key] = max(0, item.value - first) / elapsed
      }, busyByProcessor: share(\.busy), softirqByProcessor: share(\.softirq))
  }
}
