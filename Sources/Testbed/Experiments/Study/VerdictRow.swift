import MedullaBase
import TestbedLink

/// One figure of a verdict and what it has to be.
package struct VerdictRow: Sendable, Equatable {
  package var name: String
  package var value: Double?
  /// Half of the value's 95% interval; nil of a single value.
  package var interval: Double?
  package var places: Int
  package var bound: Bound.Comparison?
  /// Whether the value has to meet the bound, or the unfavourable end of its interval.
  package var judgedBy: Bound.Judgement
  /// Of the bound: `paper §5.1`, or `ours`.
  package var source: String?
  /// Whether a miss fails the study.
  package var judged: Bool
  /// Why the bound is missed, as far as that is known.
  package var explanation: String?

  package init(
    _ name: String, _ value: Double?, _ bound: Bound.Comparison? = nil, interval: Double? = nil,
    places: Int = 3, by judgement: Bound.Judgement = .value, source: String? = nil, judged: Bool = true,
    explanation: String? = nil
  ) {
    judgedBy = judgement
    (self.name, self.value, self.interval, self.places) = (name, value, interval, places)
    (self.bound, self.source, self.judged, self.explanation) = (bound, source, judged, explanation)
  }

  init(_ name: String, _ estimate: Estimate?, places: Int, _ bound: Bound? = nil) {
    self.init(
      name, estimate?.value, bound?.comparison, interval: estimate?.half, places: places,
      by: bound?.judgedBy ?? .value, source: bound?.source.text, judged: bound?.judged ?? true,
      explanation: bound.flatMap { $0.explanation.isEmpty ? nil : $0.explanation })
  }

  /// nil: nothing to reach, or nothing measured. A value without an interval tells nothing where the
  /// interval is judged.
  package var holds: Bool? {
    guard let value, let bound else { return nil }
    switch judgedBy {
    case .value: return bound.holds(value)
    case .interval:
      guard let interval else { return false }
      return bound.holds(bound.unfavourable(value, half: interval))
    }
  }

  /// A bound that is not reached, or of which nothing was measured.
  package var isMissed: Bool { bound != nil && holds != true }

  /// The value as text, with its interval.
  package var shown: String {
    guard let value else { return "not run" }
    let none = bound != nil && judgedBy == .interval ? " (no interval)" : ""
    return decimal(value, places) + (interval.map { " ± \(decimal($0, places))" } ?? none)
  }

  /// What it has to be; empty without a bound.
  package var target: String {
    guard let bound else { return "" }
    return bound.text(places: places) + (judgedBy == .interval ? " by the interval" : "")
  }

  var text: String {
    name.padding(46) + " " + shown.indenting(9) + (bound == nil ? "" : "   target \(target)")
      + (source.map { " (\($0)\(judged ? "" : ", not judged"))" } ?? "")
      + (holds.map { $0 ? "   ok" : "   MISSED" } ?? "")
  }
}

extension VerdictRow: Codable {
  private enum CodingKeys: String, CodingKey {
    case name, value, interval, places, atLeast, atMost, judgedBy, holds, source, judged, explanation
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    name = try fields.decode(String.self, forKey: .name)
    value = try fields.decodeIfPresent(Double.self, forKey: .value)
    interval = try fields.decodeIfPresent(Double.self, forKey: .interval)
    places = min(max(try fields.decodeIfPresent(Int.self, forKey: .places) ?? 3, 0), 12)
    judgedBy = try fields.decodeIfPresent(Bound.Judgement.self, forKey: .judgedBy) ?? .value
    source = try fields.decodeIfPresent(String.self, forKey: .source)
    judged = try fields.decodeIfPresent(Bool.self, forKey: .judged) ?? true
    explanation = try fields.decodeIfPresent(String.self, forKey: .explanation)
    if let least = try fields.decodeIfPresent(Double.self, forKey: .atLeast) {
      bound = .atLeast(least)
    } else {
      bound = try fields.decodeIfPresent(Double.self, forKey: .atMost).map { .atMost($0) }
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(name, forKey: .name)
    try fields.encodeIfPresent(value.flatMap { $0.isFinite ? $0 : nil }, forKey: .value)
    try fields.encodeIfPresent(interval.flatMap { $0.isFinite ? $0 : nil }, forKey: .interval)
    try fields.encode(places, forKey: .places)
    switch bound {
    case .atLeast(let least): try fields.encode(least, forKey: .atLeast)
    case .atMost(let most): try fields.encode(most, forKey: .atMost)
    case nil: break
    }
    try fields.encodeIfPresent(holds, forKey: .holds)
    if bound != nil {
      try fields.encode(judgedBy, forKey: .judgedBy)
      try fields.encode(judged, forKey: .judged)
    }
    try fields.encodeIfPresent(source, forKey: .source)
    try fields.encodeIfPresent(explanation, forKey: .explanation)
  }
}
