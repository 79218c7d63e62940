import Testing

@testable import TestbedExperiments
@testable import TestbedLink

/// Runs of a study that nobody measured, for tables of tests.
struct StudyFixture: Sendable, CustomTestStringConvertible {
  /// A cell's run in one round of a plan.
  typealias Read = @Sendable (StudyCell, StudyPlan, Int) -> Reading

  let study: Study
  /// What a run of a cell gives, by the metrics' keys, where everything is as it should be.
  let good: Read
  /// The same of a variant that is of no use.
  let useless: Read
  /// Further variants that are of no use, by what they are: each would pass some of the bounds.
  let others: [String: Read]

  var testDescription: String { study.name }

  init(
    _ study: Study, good: @escaping @Sendable (StudyCell) -> [String: Double],
    useless: @escaping @Sendable (StudyCell) -> [String: Double],
    others: [String: @Sendable (StudyCell, _ round: Int) -> [String: Double]] = [:]
  ) {
    self.init(
      study, readings: { cell, _, _ in Reading(keyed: good(cell)) },
      useless: { cell, _, _ in Reading(keyed: useless(cell)) },
      others: others.mapValues { other -> Read in
        return { cell, _, round in Reading(keyed: other(cell, round)) }
      })
  }

  init(
    _ study: Study, readings good: @escaping Read, useless: @escaping Read, others: [String: Read] = [:]
  ) {
    (self.study, self.good, self.useless, self.others) = (study, good, useless, others)
  }

  /// A run of each cell in each round.
  static func runs(
    _ study: Study, _ plan: StudyPlan, _ reading: Read
  ) -> [StudyRun] {
    let rounds = study.rounds(plan)
    return (0..<rounds).flatMap { round in
      study.cells(plan).map { StudyRun($0, round: round, reading($0, plan, round)) }
    }
  }

  func verdict(
    _ reading: Read, of study: Study? = nil, complete: Bool = true
  ) -> Verdict {
    let study = study ?? self.study
    let runs = Self.runs(study, study.plan, reading)
    return study.judge(runs, study.plan, complete: complete)
  }
}

extension Study {
  /// Rounds of a plan, where a course has its own: pairs of phases, or looks.
  fileprivate func rounds(_ plan: StudyPlan) -> Int {
    if plan[Common.repeats.name] != nil { return plan.repeats }
    return name == "updates" ? plan[Updates.pairs] : Soak.looks(plan)
  }

  /// The same study with other bounds.
  func bounded(by bounds: [Bound]) -> Study {
    Study(
      name, title, discussion: discussion, method: method, paper: paper, keys: keys, quick: quick,
      cells: cells,
      check: check, whole: whole, alone: alone, course: course, metrics: metrics, figures: figures,
      bounds: bounds, faults: faults, plots: plots)
  }
}

extension Reading {
  init(keyed values: [String: Double], faults: [String] = []) {
    self.init([:], faults: faults)
    for (key, value) in values { self[Metric(key, "")] = value }
  }
}

extension StudyCell {
  /// The name of its scheme, or of another part.
  func text(_ part: String = "scheme") -> String { self[part]?.text ?? "" }
}

extension Bound {
  /// The same, out of reach.
  var unreachable: Bound {
    let comparison: Comparison = if case .atLeast = comparison { .atLeast(1e12) } else { .atMost(-1e12) }
    return switch subject {
    case .figure(let name):
      Bound(name, comparison, source, by: judgedBy, judged: judged, explanation: explanation)
    case .each(let metric, let matches):
      Bound(
        each: metric, in: matches, to: comparison, source, by: judgedBy, judged: judged,
        explanation: explanation)
    }
  }
}
