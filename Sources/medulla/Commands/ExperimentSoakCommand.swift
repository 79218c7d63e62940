import ArgumentParser
import Foundation
import MedullaTestbed

/// `medulla experiment soak`: everything at once, for as long as is asked.
struct ExperimentSoakCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak", abstract: "Let flows come while the adapter crashes and the daemon is killed.",
    discussion: """
      A flow every 50 ms over an emulated link, snapshots replaced, an adapter that exits at random, kill -9 \
      of the daemon every minute; then six minutes in which the daemon lives on, so that a leak shows. The \
      verdict needs half an hour of kills (the default); --quick takes a minute. Writes soak.json and \
      soak.svg.

      \(ExperimentOutput.statusText)
      """)

  @OptionGroup var output: ExperimentOutput
  @Option(help: ArgumentHelp("How long with kills, such as 30m or 300s.", valueName: "time"))
  var duration: String?
  @Option(help: ArgumentHelp("Seconds between two kills of the daemon.", valueName: "s"))
  var killEvery: Double?
  @Option(help: "Seed of the flows' sizes.")
  var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Directory of the shipped network.", valueName: "dir"))
  var models: String?

  func run() throws {
    Interruption.watch()
    var plan = output.quick ? SoakPlan.quick : SoakPlan()
    plan.seconds = try duration.map(Self.seconds) ?? plan.seconds
    plan.killEvery = killEvery ?? plan.killEvery
    plan.seed = seed
    Narration.tell(
      "\(plan.seconds) s with kills and \(plan.aloneSeconds) s without, about \(plan.flows) flows.")
    let experiment = try SoakExperiment(plan, models: models ?? ShippedNetwork.directory())
    let result = try experiment.run { look, result in
      Narration.tell(look.line)
      try output.write(result, result.plots)
    }
    try output.finish(result, result.plots)
  }

  /// Minutes beside the units of times.
  static func seconds(_ text: String) throws -> Int {
    if text.hasSuffix("m"), let minutes = Double(text.dropLast()), minutes > 0, minutes <= 14_400 {
      return Int((minutes * 60).rounded())
    }
    return Int(try Quantity.nanoseconds(text) / 1_000_000_000)
  }
}

/// `medulla experiment unreliable-adapter`: the soak's adapter. Started by the daemon.
struct UnreliableAdapterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unreliable-adapter", abstract: "An adapter that crashes at random.", shouldDisplay: false)

  @Option(help: "Chance of a crash in each round of learning.")
  var chance = 0.02
  @Option(help: ArgumentHelp("Write a line here before each crash.", valueName: "file"))
  var crashes: String?

  func run() throws {
    guard let text = ProcessInfo.processInfo.environment["MEDULLA_ADAPTER_FD"], let descriptor = Int32(text)
    else { throw ValidationError("The daemon starts this, and says in MEDULLA_ADAPTER_FD where it is.") }
    var adapter = UnreliableAdapter(
      descriptor: descriptor, chance: chance, crashes: crashes, seed: UInt64(getpid()))
    try adapter.serve()
  }
}
