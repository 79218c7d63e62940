import ArgumentParser
import Foundation
import MedullaBase
import TestbedExperiments
import TestbedLink
import TestbedMeasures

/// `medulla experiment NAME`: one study of the catalogue.
struct ExperimentRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run one experiment (`experiment NAME` for short).",
    discussion: """
      `medulla experiment list` names them, `medulla experiment NAME --help` tells what one of them takes. \
      Writes NAME.json and NAME.svg. With --resume it takes over the runs that NAME.json has already and \
      makes what is missing; the plan, the machine, this program and the network have to be the same.

      \(ExperimentOutput.statusText)
      """, helpNames: [])

  @Argument(help: "The experiment's name.")
  var name: String
  @OptionGroup var output: ExperimentOutput
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "A value of the plan, by its name in the result file; may be repeated.", valueName: "key=value"))
  var settings: [String] = []
  @Flag(help: "Go on where an earlier run of the same plan ended; its result file is in --out.")
  var resume = false
  @Option(help: ArgumentHelp("Directory of the shipped network.", valueName: "dir"))
  var models: String?
  @Flag(name: [.customShort("h"), .long], help: "Show what the experiment takes.")
  var help = false
  /// `--flows 2,4`: the plan's own keys, which differ from study to study.
  @Argument(parsing: .allUnrecognized)
  var keys: [String] = []

  func run() throws {
    guard let study = Study.named(name) else {
      throw ValidationError("There is no experiment `\(name)`. `medulla experiment list` names them.")
    }
    guard !help else { return print(StudyOptions.help(study)) }
    Interruption.watch()
    let own = try StudyOptions.settings(keys, of: study)
    let plan = try study.replacing(own + settings, in: output.quick ? study.quickPlan : study.plan)
    let models = models
    let context = StudyContext(
      models: try models ?? ShippedNetwork.directory(), directory: try output.directory().path,
      narrate: { Narration.tell($0) })
    let told = Array(study.metrics.prefix(6))
    let earlier = try resume ? earlierRuns(study, plan, context) : nil
    let result = try study.perform(plan, context: context, resuming: earlier) { done, total, run, result in
      Narration.tell("[\(done)/\(total)] \(run.line(told))")
      try output.write(result, study.plotSheet(result.runs, plan))
    }
    try output.finish(result, study.plotSheet(result.runs, plan))
  }

  /// nil where there is no file yet: then everything is to be made.
  private func earlierRuns(
    _ study: Study, _ plan: StudyPlan, _ context: StudyContext
  ) throws -> EarlierRuns? {
    let path = try output.directory().appendingPathComponent("\(study.name).json").path
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    try study.validate(plan)
    let earlier = try EarlierRuns(contentsOf: path, of: study, plan, context)
    Narration.tell(
      "\(earlier.count) of \(study.runCount(plan)) runs are there; sittings so far: \(earlier.sittings)")
    return earlier
  }
}
