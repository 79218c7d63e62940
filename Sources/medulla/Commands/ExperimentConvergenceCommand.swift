import ArgumentParser
import MedullaTestbed

/// `medulla experiment fig8`: snapshots along a training.
struct ExperimentConvergenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fig8",
    abstract: "Take snapshots along a training and see what each does.",
    discussion: """
      Trains the congestion network in the simulator and runs the snapshot of every few rounds in the \
      kernel, over an emulated link. Takes six minutes; --quick one. Writes fig8.json and fig8.svg.

      \(ExperimentOutput.statusText)
      """)

  @OptionGroup var output: ExperimentOutput
  @Option(help: "Decisions of the whole training.")
  var steps: Int?
  @Option(help: "Runs of each snapshot.")
  var repeats: Int?
  @Option(help: "Seed of training and losses.")
  var seed: UInt64 = 1

  func run() throws {
    Interruption.watch()
    var plan = output.quick ? ConvergencePlan.quick : ConvergencePlan()
    plan.steps = steps ?? plan.steps
    plan.repeats = repeats ?? plan.repeats
    plan.seed = seed
    let result = try ConvergenceExperiment(plan).run(
      narrate: Narration.tell,
      tell: { done, total, run, result in
        Narration.tell("[\(done)/\(total)] \(run.line)")
        try output.write(result, result.plots)
      })
    try output.finish(result, result.plots)
  }
}
