import TestbedLink

/// An experiment as a value: what varies, how one cell is measured, what is read off it, and what that has to
/// be. The rest (the plan's refusals, the order of trials, repeats of spoilt ones, result file, verdict,
/// plots, report, command line) is the same for all.
package struct Study: Sendable {
  /// Measures one cell in one round. What it makes, it removes, also when it throws.
  package typealias Trial = (_ cell: StudyCell, _ round: Int) throws -> Reading

  /// How runs are taken.
  package enum Course: Sendable {
    /// A trial for each cell, in rounds. The closure checks that everything is there and prepares it.
    case trials(Order, @Sendable (StudyPlan, StudyContext) throws -> Trial)
    /// One course with runs of its own, such as phases over one link; it tells all runs so far.
    case whole(
      count: @Sendable (StudyPlan) -> Int,
      @Sendable (StudyPlan, StudyContext, _ tell: ([StudyRun]) throws -> Void) throws -> Void)
  }

  /// The order of the cells in a round: a slow drift of the machine shall meet all alike.
  package enum Order: Sendable {
    case shuffled
    case asListed
  }

  /// As the command and the result file call it.
  package let name: String
  /// One sentence for a list.
  package let title: String
  /// For the command's help: what it needs, and how long it takes.
  package let discussion: String
  /// How it is measured, in a few sentences.
  package let method: String
  /// What the paper reports; nil where it has no counterpart.
  package let paper: PaperFigure?
  /// Left out of `experiment all`.
  package let alone: Bool
  /// Programs that it drives and `make setup` does not install; `make testbed` does.
  package let programs: [String]

  package let keys: [any PlanKey]
  /// Makes the short form of the plan.
  package let quick: @Sendable (inout StudyPlan) -> Void
  package let cells: @Sendable (StudyPlan) -> [StudyCell]
  package let course: Course

  /// What is told of each cell, in order.
  package let metrics: [Metric]
  package let figures: [Figure]
  package let bounds: [Bound]
  package let plots: [PlotRecipe]

  /// What else a plan has to be; throws `badParameter`.
  package let check: @Sendable (StudyPlan) throws -> Void
  /// What else makes a plan whole.
  package let whole: @Sendable (StudyPlan) -> Bool
  /// What makes the runs unfit for a verdict.
  package let faults: @Sendable (StudyRuns) -> [String]

  package init(
    _ name: String, _ title: String, discussion: String, method: String, paper: PaperFigure? = nil,
    keys: [any PlanKey], quick: @escaping @Sendable (inout StudyPlan) -> Void,
    cells: @escaping @Sendable (StudyPlan) -> [StudyCell] = { _ in .one },
    check: @escaping @Sendable (StudyPlan) throws -> Void = { _ in },
    whole: @escaping @Sendable (StudyPlan) -> Bool = { _ in true }, alone: Bool = false,
    programs: [String] = [],
    course: Course,
    metrics: [Metric], figures: [Figure] = [], bounds: [Bound],
    faults: @escaping @Sendable (StudyRuns) -> [String] = { $0.runs.flatMap(\.faults) }, plots: [PlotRecipe]
  ) {
    (self.name, self.title, self.discussion, self.method) = (name, title, discussion, method)
    (self.paper, self.quick, self.cells, self.course) = (paper, quick, cells, course)
    (self.check, self.whole, self.faults) = (check, whole, faults)
    (self.alone, self.programs) = (alone, programs)
    (self.metrics, self.figures, self.bounds, self.plots) = (metrics, figures, bounds, plots)
    self.keys = keys.contains { $0.name == Common.seed.name } ? keys : keys + [Common.seed]
  }
}

extension Study {
  /// Why it cannot be measured on this machine; nil when it can.
  package var obstacle: TestbedError? {
    let missing = programs.filter { ExternalProgram.path($0) == nil }
    guard !missing.isEmpty else { return nil }
    return TestbedError(
      .missingProgram, "\(name) needs \(missing.joined(separator: " and ")).",
      remedy: "`make testbed` installs what experiments drive.")
  }
}

/// What a study may use.
package struct StudyContext: Sendable {
  /// The directory of the shipped network, looked for by those that need it.
  package var models: String { get throws { try findModels() } }
  private let findModels: @Sendable () throws -> String
  /// The program that has the testbed's own processes.
  package var executable: String
  /// Where the results go; nil: nowhere.
  package var directory: String?
  package var narrate: @Sendable (String) -> Void

  package init(
    models: @autoclosure @escaping @Sendable () throws -> String,
    executable: String = LinkEmulator.ownExecutable, directory: String? = nil,
    narrate: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    findModels = models
    self.executable = executable
    self.directory = directory
    self.narrate = narrate
  }
}

/// Facts of a figure or table of "LiteFlow: Towards High-performance Adaptive Neural Networks for Kernel
/// Datapath" (SIGCOMM 2022), or of the paper that the place names: NetML is "NetML: An NFV Platform with
/// Efficient Support for Machine Learning Applications" (NetSoft 2019).
package struct PaperFigure: Codable, Equatable, Sendable {
  /// Such as `Figure 11, §5.1`, or `NetML, Figure 5`.
  package var place: String
  /// What it reports, as short sentences.
  package var findings: [String]

  package init(_ place: String, _ findings: String...) {
    self.place = place
    self.findings = findings
  }
}
