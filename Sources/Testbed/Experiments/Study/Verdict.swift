import MedullaBase

/// Named figures, some with a bound, and whether the judged bounds hold.
package struct Verdict: Encodable, Equatable, Sendable {
  /// Every judged bound holds, in a complete study.
  package let met: Bool
  /// Whether the runs are the whole study; a quick one has no verdict.
  package let complete: Bool
  /// Why `met` is false.
  package let misses: [String]
  package let rows: [VerdictRow]

  /// - Parameters:
  ///   - rows: what was measured, in the order in which a reader wants it.
  ///   - faults: what makes runs unfit for a verdict, whatever their figures.
  package init(_ rows: [VerdictRow], faults: [String] = [], complete: Bool) {
    self.rows = rows
    self.complete = complete
    let missed = rows.filter { $0.isMissed && $0.judged }
    misses = complete ? missed.map { "\($0.name): \($0.shown), target \($0.target)" } + faults : []
    met = complete && misses.isEmpty
  }

  /// The whole study was run and does not meet its bounds.
  package var failed: Bool { complete && !met }

  /// How many bounds hold. Never more than that: a bound that is not judged and missed is told too.
  package static func closing(_ rows: [VerdictRow], complete: Bool) -> String {
    guard complete else { return "Not the whole study: no verdict." }
    let bounded = rows.filter { $0.bound != nil }
    func count(_ judged: Bool) -> (missed: Int, all: Int) {
      let own = bounded.filter { $0.judged == judged }
      return (own.filter(\.isMissed).count, own.count)
    }
    let (judged, beside) = (count(true), count(false))
    return "Of \(judged.all) judged bounds \(judged.missed) missed"
      + (beside.all > 0 ? ", of \(beside.all) that are not judged \(beside.missed)." : ".")
  }

  /// The verdict for a terminal.
  package var summary: String {
    (rows.map(\.text) + misses.map { "missed: \($0)" } + [Self.closing(rows, complete: complete)])
      .joined(separator: "\n")
  }

  private enum CodingKeys: String, CodingKey {
    case met, complete, misses, figures, targets
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(met, forKey: .met)
    try fields.encode(complete, forKey: .complete)
    try fields.encode(misses, forKey: .misses)
    let figures = rows.compactMap { row in
      row.value.flatMap { $0.isFinite ? (row.name, $0) : nil }
    }
    try fields.encode(Dictionary(figures) { first, _ in first }, forKey: .figures)
    let targets = rows.filter { $0.bound != nil }.map { ($0.name, $0) }
    try fields.encode(Dictionary(targets) { first, _ in first }, forKey: .targets)
  }
}
