#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Open for some rounds when live inputs have moved away from those that the adapter knows: when the
/// population stability index of a feature exceeds a threshold.
///
/// The first window of live inputs is the reference; after each opening the window that opened it is.
package struct DriftTrigger: Trigger {
  package let settings: TriggerSettings.Drift
  package let rounds: Int
  private var reference: [FeatureBins] = []
  private var window: [[Float]] = []
  private var left = 0
  private var last: (index: Double, feature: Int)?

  package init(_ settings: TriggerSettings.Drift, rounds: Int) {
    self.settings = settings
    self.rounds = max(rounds, 1)
  }

  package mutating func hear(_ news: TriggerNews, at now: Duration) {
    switch news {
    case .proxy: break
    case .round: left = max(left - 1, 0)
    case .inputs(let rows):
      for row in rows {
        // Another program came, with other features: nothing of before compares with them.
        if let width = window.first?.count ?? (reference.isEmpty ? nil : reference.count), width != row.count
        {
          (reference, window, last) = ([], [], nil)
        }
        window.append(row)
        if window.count >= settings.window { close() }
      }
    }
  }

  /// Compares a full window with the reference, and begins the next.
  private mutating func close() {
    defer { window.removeAll(keepingCapacity: true) }
    guard !reference.isEmpty else { return reference = bins() }
    last = reference.indices.map { feature in
      (index: reference[feature].stabilityIndex(of: window.map { $0[feature] }), feature: feature)
    }.max { $0.index < $1.index }
    guard let last, last.index > settings.threshold else { return }
    left = rounds
    reference = bins()
  }

  private func bins() -> [FeatureBins] {
    (window.first ?? []).indices.map { feature in FeatureBins(window.map { $0[feature] }) }
  }

  package mutating func decide(at now: Duration) -> TriggerDecision {
    let reason =
      left > 0
      ? "the inputs have moved"
      : last == nil ? "there are too few inputs yet to compare" : "the inputs are as they were"
    return TriggerDecision(
      .drift, isOpen: left > 0,
      Evidence(
        value: last?.index, threshold: settings.threshold, unit: .stabilityIndex,
        count: last == nil ? window.count : settings.window, reason: reason,
        figures: last.map { ["feature": Double($0.feature)] } ?? [:]))
  }
}

/// The deciles of a feature's values, and the share of them in each bin between.
package struct FeatureBins: Sendable, Equatable {
  private let edges: [Float]
  private let shares: [Double]

  static let bins = 10

  package init(_ values: [Float]) {
    let sorted = values.filter(\.isFinite).sorted()
    // A feature of few values has fewer edges: two bins cannot begin at one value.
    var edges: [Float] = []
    for bin in 1..<Self.bins where !sorted.isEmpty {
      let edge = sorted[bin * sorted.count / Self.bins]
      if edge > edges.last ?? sorted[0] { edges.append(edge) }
    }
    // What is constant has an edge of its own, so that another value falls into another bin.
    if edges.isEmpty, let only = sorted.first { edges = [only, only.nextUp] }
    self.edges = edges
    shares = Self.shares(values, edges)
  }

  /// Σ (q − p) · ln(q / p) over the bins, p of the reference and q of the values: below 0.1 nothing has
  /// changed, above 0.25 much has (Siddiqi, Credit Risk Scorecards, 2006).
  package func stabilityIndex(of values: [Float]) -> Double {
    zip(shares, Self.shares(values, edges)).reduce(0) { sum, pair in
      sum + (pair.1 - pair.0) * log(pair.1 / pair.0)
    }
  }

  /// An empty bin counts as half a value, so that the index stays finite.
  private static func shares(_ values: [Float], _ edges: [Float]) -> [Double] {
    var counts = [Double](repeating: 0.5, count: edges.count + 1)
    for value in values {
      var bin = 0
      while bin < edges.count, value >= edges[bin] { bin += 1 }
      counts[bin] += 1
    }
    let sum = counts.reduce(0, +)
    return counts.map { $0 / sum }
  }
}
