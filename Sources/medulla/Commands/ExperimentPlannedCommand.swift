import ArgumentParser
import MedullaTestbed

/// The command of an experiment that is a plan, runs and a verdict over named figures.
struct ExperimentPlannedCommand<Kind: Experiment>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: Kind.facts.name, abstract: Kind.facts.title,
      discussion: """
        \(Kind.facts.discussion) Writes \(Kind.facts.name).json and \(Kind.facts.name).svg.

        \(ExperimentOutput.statusText)
        """)
  }

  @OptionGroup var output: ExperimentOutput
  @Option(help: "Repetitions of each run.")
  var repeats: Int?
  @Option(help: "Seed of everything that is drawn.")
  var seed: UInt64?
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Another value of the plan, by its name in the result file; may be repeated.",
      valueName: "key=value"))
  var settings: [String] = []
  @Option(help: ArgumentHelp("Directory of the shipped network.", valueName: "dir"))
  var models: String?

  func run() throws {
    Interruption.watch()
    var plan = output.quick ? Kind.Plan.quick : Kind.Plan()
    plan.repeats = repeats ?? plan.repeats
    plan.seed = seed ?? plan.seed
    plan = try plan.replacing(settings)
    let context = ExperimentContext(
      models: try models ?? ShippedNetwork.directory(), narrate: { Narration.tell($0) })
    let result = try Kind.perform(plan, context: context) { done, total, run, result in
      Narration.tell("[\(done)/\(total)] \(run.line)")
      try output.write(result, Kind.plots(result.runs, plan))
    }
    try output.finish(result, Kind.plots(result.runs, plan))
  }
}
