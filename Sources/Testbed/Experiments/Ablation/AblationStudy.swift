import TestbedLink
import TestbedReport

extension Ablation {
  /// Where a network has something to decide: what a rule of two numbers cannot know.
  private static let demanding: Set<String> = [
    Part.loss.rawValue, Part.shared.rawValue, Part.changing.rawValue, Part.beside.rawValue,
  ]

  /// The runs of some parts.
  private static func of(_ runs: StudyRuns, _ names: Set<String>) -> StudyRuns {
    StudyRuns(
      runs: runs.runs.filter { names.contains($0.cell[parts]) }, plan: runs.plan,
      cells: runs.cells.filter { names.contains($0[parts]) })
  }

  private static func lead(
    _ runs: StudyRuns, over other: Policy, in names: Set<String> = Set(Part.allCases.map(\.rawValue))
  ) -> Estimate? {
    of(runs, names).difference(
      utility, [networks(Policy.trained.rawValue)], less: [networks(other.rawValue)])
  }

  private static let overRule = Figure("loss, shared, changing, beside: trained less delay rule") {
    lead($0, over: .delayRule, in: demanding)
  }
  private static let overRuleSurely = Figure("\(overRule.name), lower end") { runs in
    // Of one round there is no interval, and nothing is sure.
    lead(runs, over: .delayRule, in: demanding).flatMap { lead in
      lead.half.map { Estimate(lead.value - $0) }
    }
  }
  private static let overZero = Figure("all cells: trained less zero") { lead($0, over: .zero) }
  private static let overUntrained = Figure("all cells: trained less untrained") {
    lead($0, over: .untrained)
  }
  private static let overRuleAlone = Figure("alone: trained less delay rule") {
    lead($0, over: .delayRule, in: [Part.alone.rawValue])
  }

  /// More than 0: networks that are alike differ by 0 exactly.
  private static let more = Bound.Comparison.atLeast(0.001)

  private static func table(_ plan: StudyPlan) -> PlotRecipe.Table {
    let names = plan[networks]
    let rows = cells(plan).map { $0.without([networks.part]) }.reduce(into: [StudyCell]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    return PlotRecipe.Table(
      columns: names, rows: rows.map(\.title),
      parts: [("", { row, column in rows[row].matches + [networks(names[column])] })])
  }

  private static func map(
    _ title: String, _ scale: HeatMap.Scale, less reference: Policy? = nil
  ) -> PlotRecipe {
    .heatMap(
      title, columns: "network", rows: "link", scale: scale, table: table,
      value: { runs in
        { matches in
          guard let own = runs.mean(utility, matches) else { return nil }
          guard let reference else { return own }
          let other = matches.filter { $0.part != networks.part } + [networks(reference.rawValue)]
          return runs.mean(utility, other).map { own - $0 }
        }
      })
  }

  static let study = Study(
    "ablation", "What the network is worth: the same controller with four networks.",
    discussion: """
      The shipped network, a delay rule whose two numbers `medulla train delay-rule` finds, drawn weights, \
      and nothing, each as weights of the same program. Needs root; four hours, --quick three minutes. \
      `--resume` goes on where an earlier sitting ended.
      """,
    method: """
      All four networks have the shipped one's layers and are snapshots of one attached congestion control; \
      new flows take the one under test. One flow alone; with 1% random loss; equal flows; one flow on 48 \
      Mbit/s that fall to 12 and rise again every five seconds; one flow that joins one of CUBIC. Shares \
      are of the payload that the link can carry, after the warm-up; beside CUBIC, of half of it. Utility = \
      share (at most 1) - 0.5 * mean wait in the queue / round trip of the empty link: the reward of \
      training in form, with more for the queue.
      """,
    keys: [
      networks, parts, rates, rtts, buffers, flows, besideBuffers, drawn, Common.seconds.with(20),
      Common.warmUp.with(5), Common.repeats,
    ],
    quick: { plan in
      (plan[rates], plan[rtts], plan[buffers], plan[flows]) = ([48], [40], [1], [2])
      (plan[besideBuffers], plan[networks]) = ([1], [Policy.trained.rawValue, Policy.delayRule.rawValue])
      (plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = (8, 3, 1)
    }, cells: cells, check: check, alone: true, course: .trials(.shuffled, prepare),
    metrics: [utility, BulkTrial.share, FlowMetrics.queue.mean, FlowMetrics.jain, RivalTrial.ownShare],
    figures: [overRule, overRuleSurely, overZero, overUntrained, overRuleAlone],
    bounds: [
      Bound(overRuleSurely.name, more, .ours), Bound(overZero.name, more, .ours),
      Bound(overUntrained.name, more, .ours),
    ],
    plots: [
      map(
        "Utility: share of the link less half of the queue in round trips",
        HeatMap.Scale(around: 0, .linear(reach: 1), low: "worse", high: "better")),
      map(
        "Utility less the delay rule's",
        HeatMap.Scale(around: 0, .linear(reach: 0.25), low: "worse than the rule", high: "better"),
        less: .delayRule),
    ])
}
