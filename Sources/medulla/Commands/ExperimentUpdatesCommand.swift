import ArgumentParser
import MedullaTestbed

/// `medulla experiment updates`: a thousand snapshots replaced under running flows.
struct ExperimentUpdatesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "updates", abstract: "Replace snapshots under running flows, and see what it costs.",
    discussion: """
      Phases without and with updates by turns, under ten flows over an emulated link; every update changes \
      what all flows run. Takes six minutes; --quick half a minute. Writes updates.json and updates.svg.

      \(ExperimentOutput.statusText)
      """)

  @OptionGroup var output: ExperimentOutput
  @Option(help: "Updates in all.")
  var updates: Int?
  @Option(help: "Flows that run.")
  var flows: Int?
  @Option(help: ArgumentHelp("Directory of the shipped network.", valueName: "dir"))
  var models: String?

  func run() throws {
    Interruption.watch()
    var plan = output.quick ? UpdatesPlan.quick : UpdatesPlan()
    plan.updates = updates ?? plan.updates
    plan.flows = flows ?? plan.flows
    let experiment = try UpdatesExperiment(plan, models: models ?? ShippedNetwork.directory())
    Narration.tell("\(plan.updates) updates under \(plan.flows) flows, about \(Int(plan.seconds)) s.")
    let result = try experiment.run { done, total, phase, result in
      Narration.tell("[\(done)/\(total)] \(phase.line)")
      try output.write(result, result.plots)
    }
    try output.finish(result, result.plots)
  }
}
