import MedullaBase
import TestbedLink

/// What a figure has to be, where that comes from, and whether a verdict follows from it.
///
/// A bound is written before what it bounds is measured, and stays when it is missed: the missed row gets an
/// explanation, and a setting under which it holds becomes a study of its own.
package struct Bound: Sendable {
  /// What is bounded.
  package enum Subject: Sendable {
    /// The figure of a name.
    case figure(String)
    /// A metric in each cell that fits.
    case each(Metric, [Match])
  }

  package enum Comparison: Sendable, Equatable {
    case atLeast(Double)
    case atMost(Double)

    package func holds(_ value: Double) -> Bool {
      switch self {
      case .atLeast(let least): value >= least
      case .atMost(let most): value <= most
      }
    }

    /// Of a value and half of its interval, the end that is farther from meeting it.
    package func unfavourable(_ value: Double, half: Double) -> Double {
      switch self {
      case .atLeast: value - half
      case .atMost: value + half
      }
    }

    package func text(places: Int) -> String {
      switch self {
      case .atLeast(let least): "≥ \(decimal(least, places))"
      case .atMost(let most): "≤ \(decimal(most, places))"
      }
    }
  }

  /// What of a figure has to meet the bound.
  package enum Judgement: String, Codable, Sendable {
    /// The value: of what is counted or comes out the same every time, or is an end of an interval already.
    case value
    /// The unfavourable end of its 95% interval over rounds. Without an interval nothing is known.
    case interval
  }

  package enum Source: Hashable, Sendable {
    /// A place in the LiteFlow paper, or in the one that it names.
    case paper(String)
    case ours

    package var text: String {
      switch self {
      case .paper(let place): "paper \(place)"
      case .ours: "ours"
      }
    }
  }

  package let subject: Subject
  package let comparison: Comparison
  package let source: Source
  package let judgedBy: Judgement
  /// Whether a miss fails the study; else the bound stands beside the figure.
  package let judged: Bool
  /// Why it is missed where it is known to be; the report prints it under a missed row.
  package let explanation: String

  package init(
    _ figure: String, _ comparison: Comparison, _ source: Source, by judgement: Judgement = .value,
    judged: Bool = true, explanation: String = ""
  ) {
    (subject, self.comparison, self.source) = (.figure(figure), comparison, source)
    (judgedBy, self.judged, self.explanation) = (judgement, judged, explanation)
  }

  package init(
    each metric: Metric, _ matches: Match..., to comparison: Comparison, _ source: Source,
    by judgement: Judgement = .value, judged: Bool = true, explanation: String = ""
  ) {
    self.init(
      each: metric, in: matches, to: comparison, source, by: judgement, judged: judged,
      explanation: explanation)
  }

  init(
    each metric: Metric, in matches: [Match], to comparison: Comparison, _ source: Source,
    by judgement: Judgement = .value, judged: Bool, explanation: String
  ) {
    (subject, self.comparison, self.source) = (.each(metric, matches), comparison, source)
    (judgedBy, self.judged, self.explanation) = (judgement, judged, explanation)
  }

  /// The figure's name; for each of several cells the metric's, with what the cells have in common.
  package var figure: String {
    switch subject {
    case .figure(let name): name
    case .each(let metric, let matches):
      ("each" + matches.map { " \($0.value.text)" }.joined()) + ": \(metric.title)"
    }
  }

  package var places: Int {
    if case .each(let metric, _) = subject { metric.places } else { 3 }
  }
}
