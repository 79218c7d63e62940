import ArgumentParser
import MedullaTestbed

/// `medulla experiment fig14`: batch intervals from a millisecond to ten seconds.
struct ExperimentBatchIntervalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fig14", abstract: "Vary the batch interval; see what it costs and what flows get.",
    discussion: """
      For each interval the daemon runs beside concurrent flows, whose softirq time is read, and beside a \
      single flow, whose goodput is. Takes eight minutes; --quick one. Writes fig14.json and fig14.svg.

      \(ExperimentOutput.statusText)
      """)

  @OptionGroup var output: ExperimentOutput
  @Option(help: "Rounds through all intervals.")
  var repeats: Int?
  @Option(help: ArgumentHelp("Directory of the shipped network.", valueName: "dir"))
  var models: String?

  func run() throws {
    Interruption.watch()
    var plan = output.quick ? BatchIntervalPlan.quick : BatchIntervalPlan()
    plan.repeats = repeats ?? plan.repeats
    let experiment = try BatchIntervalExperiment(plan, models: models ?? ShippedNetwork.directory())
    let result = try experiment.run { done, total, run, result in
      Narration.tell("[\(done)/\(total)] \(run.line)")
      try output.write(result, result.plots)
    }
    try output.finish(result, result.plots)
  }
}
