#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How far a window's inputs are from those of the reference, feature by feature.
package struct DriftReading: Sendable, Equatable, Codable {
  /// Largest distance of the distributions, 0 to 1 (Kolmogorov and Smirnov).
  package let distances: [Double]
  /// Σ (p − q) · ln(p / q) over the bins (population stability index; Siddiqi, 2006).
  package let stability: [Double]
  /// What chance hardly exceeds: factor · √(1/n + 1/m).
  package let limit: Double
  /// Rows of the reference and of the window.
  package let rows: (reference: Int, window: Int)

  /// The feature that moved most.
  package var feature: Int {
    distances.indices.reduce(0) { distances[$1] > distances[$0] ? $1 : $0 }
  }
  package var distance: Double { distances.max() ?? 0 }
  package var isDrift: Bool { distance > limit }

  package init(distances: [Double], stability: [Double], limit: Double, rows: (Int, Int)) {
    (self.distances, self.stability, self.limit) = (distances, stability, limit)
    self.rows = (reference: rows.0, window: rows.1)
  }

  package static func == (left: DriftReading, right: DriftReading) -> Bool {
    left.distances == right.distances && left.stability == right.stability && left.limit == right.limit
      && left.rows == right.rows
  }

  private enum CodingKeys: String, CodingKey { case distances, stability, limit, reference, window }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      distances: try fields.decode([Double].self, forKey: .distances),
      stability: try fields.decode([Double].self, forKey: .stability),
      limit: try fields.decode(Double.self, forKey: .limit),
      rows: (
        try fields.decode(Int.self, forKey: .reference), try fields.decode(Int.self, forKey: .window)
      ))
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(distances, forKey: .distances)
    try fields.encode(stability, forKey: .stability)
    try fields.encode(limit, forKey: .limit)
    try fields.encode(rows.reference, forKey: .reference)
    try fields.encode(rows.window, forKey: .window)
  }
}

/// Compares inputs of windows with those that the network was last trained for, without any label.
///
/// Distances are between histograms with the reference's quantiles as edges, at most those of the sorted
/// values, for the price of a few comparisons a value.
package struct InputDrift: Sendable, Equatable, Codable {
  package struct Settings: Sendable, Equatable, Codable {
    package var bins = 32
    /// Of √(1/n + 1/m). 1.36 is the two-sample test's at 5% for one feature; several features that are looked
    /// at in every window need more.
    package var factor = 2.2
    /// Rows that a window needs to be compared.
    package var leastRows = 25

    package init() {}
  }

  package let settings: Settings
  private var histograms: [FeatureHistogram]
  private var reference: [[Double]]
  package private(set) var referenceRows: Int

  /// - Parameter rows: inputs of the reference, all of one width.
  package init(_ rows: [[Float]], settings: Settings = Settings()) {
    self.settings = settings
    (histograms, reference, referenceRows) = ([], [], 0)
    rebase(rows)
  }

  /// Takes other inputs as the reference: those that a network has just been trained for.
  package mutating func rebase(_ rows: [[Float]]) {
    let width = rows.first?.count ?? 0
    histograms = (0..<width).map { place in
      FeatureHistogram(rows.map { $0[place] }, bins: settings.bins)
    }
    reference = histograms.enumerated().map { place, own in own.counts(rows.map { $0[place] }) }
    referenceRows = rows.count
  }

  /// nil for a window with too few rows, or of another width.
  package func reading(_ rows: [[Float]]) -> DriftReading? {
    guard rows.count >= settings.leastRows, referenceRows >= settings.leastRows, !histograms.isEmpty,
      rows.allSatisfy({ $0.count == histograms.count })
    else { return nil }
    var distances: [Double] = []
    var stability: [Double] = []
    for (place, histogram) in histograms.enumerated() {
      let own = histogram.counts(rows.lazy.map { $0[place] })
      distances.append(Self.distance(reference[place], own))
      stability.append(Self.stability(reference[place], own))
    }
    let (n, m) = (Double(referenceRows), Double(rows.count))
    return DriftReading(
      distances: distances, stability: stability, limit: settings.factor * (1 / n + 1 / m).squareRoot(),
      rows: (referenceRows, rows.count))
  }

  static func distance(_ first: [Double], _ second: [Double]) -> Double {
    let (n, m) = (first.reduce(0, +), second.reduce(0, +))
    guard n > 0, m > 0 else { return 0 }
    var (a, b, largest) = (0.0, 0.0, 0.0)
    for (left, right) in zip(first, second) {
      a += left / n
      b += right / m
      largest = max(largest, abs(a - b))
    }
    return largest
  }

  /// Half a row is imagined in each bin, so that an empty one has a logarithm.
  static func stability(_ first: [Double], _ second: [Double]) -> Double {
    let (n, m) = (first.reduce(0) { $0 + $1 + 0.5 }, second.reduce(0) { $0 + $1 + 0.5 })
    return zip(first, second).reduce(0) { sum, pair in
      let (p, q) = ((pair.0 + 0.5) / n, (pair.1 + 0.5) / m)
      return sum + (p - q) * log(p / q)
    }
  }
}
