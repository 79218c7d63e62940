import TestbedLink
import TestbedMeasures

/// A claim that two groups of cells are alike: that what is measured of them differs by less than a margin.
/// That no difference was found shows nothing, since too few rounds find none; here too few rounds do not
/// pass.
///
/// Two one-sided t tests at 5% each (Schuirmann 1987): on what each round gives of both where all rounds have
/// both, else on the groups (Welch).
package struct Equivalence: Sendable {
  /// What still counts as alike; its reason stands where it is declared.
  package enum Margin: Sendable {
    /// A part of what the second group has.
    case part(Double)
    /// In the metric's own unit.
    case units(Double)
  }

  /// Of an error of the first kind: that what differs by the margin passes.
  package static let level = 0.05

  /// A metric in the cells that fit.
  private struct Group: Sendable {
    let metric: Metric
    let matches: [Match]
  }

  package let name: String
  private let first: Group
  private let second: Group
  private let margin: Margin

  /// Of one metric in two groups of cells.
  package init(
    _ what: String, _ metric: Metric, _ first: [Match], _ second: [Match], within margin: Margin
  ) {
    self.init(
      what, metric, Group(metric: metric, matches: first), Group(metric: metric, matches: second), margin)
  }

  /// Of two metrics of the same cells.
  package init(
    _ what: String, _ first: Metric, _ second: Metric, _ cells: [Match], within margin: Margin
  ) {
    self.init(
      what, first, Group(metric: first, matches: cells), Group(metric: second, matches: cells), margin)
  }

  private init(_ what: String, _ metric: Metric, _ first: Group, _ second: Group, _ margin: Margin) {
    (self.first, self.second, self.margin) = (first, second, margin)
    let text =
      switch margin {
      case .part(let part): "\(short(part * 100))%"
      case .units(let value): metric.unit.isEmpty ? short(value) : "\(short(value)) \(metric.unit)"
      }
    name = "\(what) differ by \(text) or more, p"
  }

  /// How probable what was seen is at most if they differ by the margin or more.
  package var figure: Figure {
    Figure(name) { [self] in probability($0).map { Estimate($0) } }
  }

  package func bound(judged: Bool = true, explanation: String = "") -> Bound {
    Bound(name, .atMost(Self.level), .ours, judged: judged, explanation: explanation)
  }

  /// nil where a group has fewer than two values.
  private func probability(_ runs: StudyRuns) -> Double? {
    let (own, other) = (runs.of(first.matches), runs.of(second.matches))
    let rounds = Set(own.runs.map(\.round)).union(other.runs.map(\.round)).sorted()
    let pairs = rounds.compactMap { round -> (Double, Double)? in
      guard let left = own.round(round).mean(first.metric),
        let right = other.round(round).mean(second.metric)
      else { return nil }
      return (left, right)
    }
    guard pairs.count == rounds.count else {
      return unpaired(own.values(first.metric), other.values(second.metric))
    }
    switch margin {
    case .units(let units):
      return Statistics.nonEquivalence(pairs.map { $0 - $1 }, within: -units...units)
    case .part(let part):
      guard pairs.allSatisfy({ $0.1 > 0 }) else { return nil }
      return Statistics.nonEquivalence(pairs.map { $0 / $1 }, within: 1 - part...1 + part)
    }
  }

  private func unpaired(_ own: [Double], _ other: [Double]) -> Double? {
    let units =
      switch margin {
      case .units(let units): units
      case .part(let part): abs(Statistics.mean(other)) * part
      }
    return Statistics.nonEquivalence(own, other, within: -units...units)
  }
}
