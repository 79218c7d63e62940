import ArgumentParser
import MedullaTestbed

/// `medulla experiment`: measurements that can be repeated, with a result file and a verdict.
struct ExperimentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment", abstract: "Run a measurement and judge it.",
    subcommands: [
      ExperimentListCommand.self, ExperimentAllCommand.self,
      ExperimentPlannedCommand<QuantizationLossExperiment>.self, ExperimentConvergenceCommand.self,
      ExperimentAdaptationCommand.self, ExperimentBatchIntervalCommand.self,
      ExperimentPlannedCommand<InterfaceExperiment>.self, LinksExperimentCommand.self,
      ExperimentUpdatesCommand.self, ExperimentSoakCommand.self, UnreliableAdapterCommand.self,
    ])
}
