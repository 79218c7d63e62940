import ArgumentParser
import MedullaFabric

/// `medulla fabric down`.
struct FabricDownCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "down", abstract: "End a fabric, and remove its namespaces and programs.",
    discussion: "Also what a start that was killed has left. Needs root.")

  @OptionGroup var fabric: FabricName

  func run() throws { try RunningFabric.down(fabric.names()) }
}
