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

  private let start: [ProcessorTimes]
  private let total: ProcessorTimes
  private let processes: [String: Int32]
  private let before: [String: Double]

  /// Reads for the first time.
  ///
  /// - Parameter processes: their identifiers by name.
  package init(_ processes: [String: Int32] = [:]) throws {
    total = try .read()
    start = try ProcessorTimes.readEach()
    self.processes = processes
    before = processes.compactMapValues { ProcessorTimes.ofProcess($0) }
  }

  /// Shares since the start.
  package func read() throws -> Shares {
    let now = try ProcessorTimes.read()
    let each = try ProcessorTimes.readEach()
    let elapsed = max(now.total - total.total, 1e-9)
    let used = processes.compactMapValues { ProcessorTimes.ofProcess($0) }
    func share(_ part: KeyPath<ProcessorTimes, Double>) -> [Double] {
      zip(start, each).map { ($1[keyPath: part] - $0[keyPath: part]) / max($1.total - $0.total, 1e-9) }
    }
    return Shares(
      busy: (now.busy - total.busy) / elapsed, softirq: (now.softirq - total.softirq) / elapsed,
      processes: used.reduce(into: [:]) { shares, item in
        guard let first = before[item.key] else { return }
        shares[item.key] = max(0, item.value - first) / elapsed
      }, busyByProcessor: share(\.busy), softirqByProcessor: share(\.softirq))
  }
}
