import ArgumentParser
import MedullaFabric

/// `medulla fabric WHAT`.
struct FabricCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fabric", abstract: "Large networks, spread over the switches of a fabric.",
    discussion: """
      A network that is too large for one switch is cut into layers, which are placed on switches; an \
      inference is made while its cells travel.
      """,
    subcommands: [
      FabricPlanCommand.self, FabricUpCommand.self, FabricInferCommand.self, FabricStatusCommand.self,
      FabricAddCommand.self, FabricUpdateCommand.self, FabricWatchCommand.self, FabricDownCommand.self,
      FabricP4Command.self,
    ])
}

/// Which fabric a command is about.
struct FabricName: ParsableArguments {
  @Option(help: "The fabric's name.")
  var name = FabricNames.standard

  func names() throws -> FabricNames { try FabricNames(name) }
}
