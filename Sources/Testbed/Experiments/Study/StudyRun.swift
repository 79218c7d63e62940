import MedullaBase
import TestbedLink
import TestbedMeasures

/// A quantity that trials measure.
package struct Metric: Hashable, Sendable {
  /// In the result file.
  package let key: String
  package let name: String
  package let unit: String
  package let places: Int

  package init(_ key: String, _ name: String, _ unit: String = "", places: Int = 3) {
    (self.key, self.name, self.unit, self.places) = (key, name, unit, places)
  }

  /// The name with the unit.
  package var title: String { unit.isEmpty ? name : "\(name) (\(unit))" }
}

/// What one trial gave.
package struct Reading: Sendable {
  package private(set) var values: [String: Double] = [:]
  /// Values in order, such as goodput over tenths of a second.
  package var series: [String: [Double]] = [:]
  /// What makes it unfit for a verdict; the trial is made once more then.
  package var faults: [String] = []
  /// What this machine lacks the means to measure: without it there is no verdict.
  package var unmeasured: [String] = []
  /// What a reader of the result has to know, and spoils nothing.
  package var notes: [String] = []

  package init(_ values: [Metric: Double?] = [:], faults: [String] = []) {
    for (metric, value) in values { self[metric] = value }
    self.faults = faults
  }

  package subscript(metric: Metric) -> Double? {
    get { values[metric.key] }
    set { values[metric.key] = newValue }
  }

  /// Adds mean and quantiles under one name each: `key_mean`, `key_p95`.
  mutating func note(_ percentiles: Percentiles, _ metrics: PercentileMetrics) {
    (self[metrics.mean], self[metrics.p50]) = (percentiles.mean, percentiles.p50)
    (self[metrics.p95], self[metrics.p99]) = (percentiles.p95, percentiles.p99)
  }

  static let late = "the emulator fell behind"

  /// Packets that devices dropped, of which the emulated link knows nothing.
  mutating func noteDrops(besideTheBuffer count: Int) {
    if count > 0 { faults.append("\(count) packets dropped beside the emulated buffer") }
  }
}

/// The metrics of a quantity that is measured as a distribution.
package struct PercentileMetrics: Sendable {
  package let mean: Metric
  package let p50: Metric
  package let p95: Metric
  package let p99: Metric

  package init(_ key: String, _ name: String, _ unit: String, places: Int = 2) {
    mean = Metric("\(key)_mean", "\(name), mean", unit, places: places)
    p50 = Metric("\(key)_p50", "\(name), p50", unit, places: places)
    p95 = Metric("\(key)_p95", "\(name), p95", unit, places: places)
    p99 = Metric("\(key)_p99", "\(name), p99", unit, places: places)
  }
}

/// One trial of a cell in one round.
package struct StudyRun: Sendable {
  package var cell: StudyCell
  package var round: Int
  package var reading: Reading
  /// 2 when a first attempt was spoilt; its figures are not kept.
  package var attempts = 1

  package init(_ cell: StudyCell, round: Int, _ reading: Reading, attempts: Int = 1) {
    (self.cell, self.round, self.reading, self.attempts) = (cell, round, reading, attempts)
  }

  package subscript(metric: Metric) -> Double? { reading[metric] }

  /// Its faults, each with the cell's name.
  package var faults: [String] {
    reading.faults.map { cell.title.isEmpty ? $0 : "\(cell.title): \($0)" }
  }

  /// One line for the terminal.
  package func line(_ metrics: [Metric]) -> String {
    let values = metrics.compactMap { metric in
      self[metric].map {
        "\(metric.name) \(decimal($0, metric.places))\(metric.unit.isEmpty ? "" : " ")\(metric.unit)"
      }
    }
    return cell.title + (cell.title.isEmpty ? "" : ": ") + values.joined(separator: ", ")
      + (attempts > 1 ? ", second attempt" : "")
      + (reading.faults + reading.unmeasured + reading.notes).map { ", \($0)" }.joined()
  }
}

extension StudyRun: Encodable {
  private enum Key: String, CodingKey {
    case cell, round, values, series, faults, unmeasured, notes, attempts
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(cell, forKey: .cell)
    try fields.encode(round, forKey: .round)
    // JSON has no word for what is not finite.
    try fields.encode(reading.values.filter { $0.value.isFinite }, forKey: .values)
    let series = reading.series.mapValues { $0.map { $0.isFinite ? $0 : 0 } }
    if !series.isEmpty { try fields.encode(series, forKey: .series) }
    if !reading.faults.isEmpty { try fields.encode(reading.faults, forKey: .faults) }
    if !reading.unmeasured.isEmpty { try fields.encode(reading.unmeasured, forKey: .unmeasured) }
    if !reading.notes.isEmpty { try fields.encode(reading.notes, forKey: .notes) }
    try fields.encode(attempts, forKey: .attempts)
  }
}
