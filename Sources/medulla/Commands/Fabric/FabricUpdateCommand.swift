import ArgumentParser
import MedullaFabric

/// `medulla fabric add PLAN`.
struct FabricAddCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Put another network on a fabric that runs.",
    discussion: "Its plan must be of the same topology. Needs root.")

  @Argument(help: "The plan's folder.")
  var plan: String
  @OptionGroup var fabric: FabricName

  func run() throws {
    try RunningFabric.open(fabric.names()).add(PlanFolder.read(plan))
  }
}

/// `medulla fabric update PLAN`.
struct FabricUpdateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update", abstract: "Replace a network on a fabric, without an inference lost.",
    discussion: """
      The new version is on all switches before the first cell goes to it. Inferences that have begun end \
      with the version they began with; what has not ended after --drain begins again with the new one. \
      Needs root.
      """)

  @Argument(help: "The plan's folder: of a network that is on the fabric, by its name.")
  var plan: String
  @OptionGroup var fabric: FabricName
  @Option(help: "Seconds that inferences of the version before may still take.")
  var drain = 1.0

  private static let drainRange = 0.0...60.0

  func validate() throws {
    guard Self.drainRange.contains(drain) else { throw ValidationError("--drain must be 0 to 60.") }
  }

  func run() throws {
    try RunningFabric.open(fabric.names()).update(PlanFolder.read(plan), drain: .seconds(drain))
  }
}
