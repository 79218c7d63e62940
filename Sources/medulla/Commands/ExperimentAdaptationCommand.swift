import ArgumentParser
import MedullaTestbed

/// `medulla experiment fig12`: does adapting pay?
struct ExperimentAdaptationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fig12",
    abstract: "Change the link under a network that keeps learning, and under the same frozen.",
    discussion: """
      Trains a start network for one kind of path and a network for each condition, then runs three schemes \
      over the same changing link: the start network frozen, the daemon adapting it, and the network that \
      was trained for each condition. Takes nine minutes; --quick three. Writes fig12.json and fig12.svg.

      \(ExperimentOutput.statusText)
      """)

  @OptionGroup var output: ExperimentOutput
  @Option(help: ArgumentHelp("Seconds of one condition.", valueName: "s"))
  var interval: Int?
  @Option(help: ArgumentHelp("Only these of trained, frozen and adapting.", valueName: "list"))
  var schemes: String?
  @Option(help: "Runs of each scheme.")
  var repeats: Int?
  @Option(help: "Seed of training and losses.")
  var seed: UInt64 = 1

  func run() throws {
    Interruption.watch()
    var plan = output.quick ? AdaptationPlan.quick : AdaptationPlan()
    plan.intervalSeconds = interval ?? plan.intervalSeconds
    plan.measuredSeconds = min(plan.measuredSeconds, max(1, plan.intervalSeconds / 3))
    plan.repeats = repeats ?? plan.repeats
    plan.schemes = try schemes.map(Self.schemes) ?? plan.schemes
    plan.seed = seed
    Narration.tell(
      "A condition stays \(plan.intervalSeconds) s; in the paper 20 minutes: compressed "
        + "\(Int(plan.compression.rounded())) times.")
    let result = try AdaptationExperiment(plan, log: output.path("fig12-daemon.log")).run(
      narrate: Narration.tell,
      tell: { done, total, run, result in
        for line in run.lines { Narration.tell("[\(done)/\(total)] \(line)") }
        try output.write(result, result.plots)
      })
    try output.finish(result, result.plots)
  }

  static func schemes(_ text: String) throws -> [AdaptationScheme] {
    try text.split(separator: ",").map { word in
      guard let scheme = AdaptationScheme(rawValue: String(word)) else {
        throw ValidationError("--schemes wants trained, frozen or adapting, not `\(word)`.")
      }
      return scheme
    }
  }
}
