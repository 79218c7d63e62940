import MedullaBase
import TestbedLink

extension Study {
  /// Runs the whole plan; `tell` hears each run as it ends, with the result so far.
  ///
  /// A spoilt trial is made once more; the second one counts, whatever it is.
  ///
  /// - Parameter earlier: runs that are taken over, and neither made nor told again.
  package func perform(
    _ plan: StudyPlan, context: StudyContext, resuming earlier: EarlierRuns? = nil,
    tell: (_ done: Int, _ of: Int, StudyRun, StudyResult) throws -> Void = { _, _, _, _ in }
  ) throws -> StudyResult {
    try validate(plan)
    if let obstacle { throw obstacle }
    let total = runCount(plan)
    var result = StudyResult(self, plan, context)
    func take(_ runs: [StudyRun]) {
      let complete =
        isComplete(plan) && runs.count >= total && runs.allSatisfy { $0.reading.unmeasured.isEmpty }
      result.note(runs, judge(runs, plan, complete: complete))
    }
    func note(_ runs: [StudyRun]) throws {
      take(runs)
      if let last = runs.last { try tell(runs.count, total, last, result) }
    }
    switch course {
    case .whole(_, let measure): try measure(plan, context, note)
    case .trials(let order, let prepare):
      let turns = turns(plan, order)
      let left = turns.filter { earlier?[$0.cell, $0.round] == nil }
      if let earlier {
        result.sittings = earlier.sittings + (left.isEmpty ? 0 : 1)
        take(turns.compactMap { earlier[$0.cell, $0.round] })
      }
      guard !left.isEmpty else { break }
      let trial = try prepare(plan, context)
      for (cell, round) in left {
        try Interruption.check()
        try note(result.runs + [Self.steadied(cell, round, trial)])
      }
    }
    return result
  }

  /// The cells of all rounds, in the order in which they are measured.
  func turns(_ plan: StudyPlan, _ order: Order) -> [(cell: StudyCell, round: Int)] {
    (0..<plan.repeats).flatMap { round in
      var cells = cells(plan)
      if order == .shuffled {
        var generator = SeededGenerator(seed: plan.seed(round: round))
        cells.shuffle(using: &generator)
      }
      return cells.map { ($0, round) }
    }
  }

  /// A run; when it was spoilt, another one in its place, once.
  static func steadied(_ cell: StudyCell, _ round: Int, _ trial: Trial) throws -> StudyRun {
    let first = try trial(cell, round)
    guard !first.faults.isEmpty else { return StudyRun(cell, round: round, first) }
    return StudyRun(cell, round: round, try trial(cell, round), attempts: 2)
  }
}

/// The format of all result files. It grows with every change that a reader of older files would stumble
/// over.
package enum ResultSchema {
  package static let version = 1
}

/// The result file of a study: where it ran and how, what each run gave, and the verdict on them.
package struct StudyResult: Encodable, Sendable {
  package struct Environment: Encodable, Sendable {
    package let host: HostFacts
    package let plan: StudyPlan
    /// How it was measured, in a few sentences.
    package let method: String
    /// Digests of the program that measured, and of the shipped network; nil where there is none.
    package let program: String
    package let network: String?

    init(_ study: Study, _ plan: StudyPlan, _ context: StudyContext) {
      (host, self.plan, method) = (.read(), plan, study.method)
      program = ProgramFacts.program
      network = (try? context.models).flatMap(ProgramFacts.network)
    }
  }

  package let schema = ResultSchema.version
  package let experiment: String
  package let environment: Environment
  /// How often it was begun or resumed until all runs were there.
  package fileprivate(set) var sittings = 1
  package private(set) var runs: [StudyRun] = []
  package private(set) var verdict: Verdict
  /// The verdict's figures as one list.
  package private(set) var summary: [VerdictRow]

  init(_ study: Study, _ plan: StudyPlan, _ context: StudyContext) {
    experiment = study.name
    environment = Environment(study, plan, context)
    verdict = study.judge([], plan, complete: false)
    summary = verdict.rows
  }

  fileprivate mutating func note(_ runs: [StudyRun], _ verdict: Verdict) {
    (self.runs, self.verdict, summary) = (runs, verdict, verdict.rows)
  }
}
