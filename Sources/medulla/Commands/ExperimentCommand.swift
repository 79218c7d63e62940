import ArgumentParser
import MedullaTestbed

/// `medulla experiment`: measurements that can be repeated, with a result file and a verdict.
struct ExperimentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment", abstract: "Run a measurement and judge it.",
    subcommands: [
      ExperimentListCommand.self, ExperimentAllCommand.self,
      ExperimentPlannedCommand<IntervalExperiment>.self,
      ExperimentPlannedCommand<RateOverTimeExperiment>.self,
      ExperimentPlannedCommand<CommunicationExperiment>.self,
      ExperimentPlannedCommand<SoftirqExperiment>.self,
      ExperimentPlannedCommand<QuantizationLossExperiment>.self, ExperimentConvergenceCommand.self,
      ExperimentPlannedCommand<GoodputExperiment>.self, ExperimentAdaptationCommand.self,
      ExperimentPlannedCommand<OverheadExperiment>.self, ExperimentBatchIntervalCommand.self,
      ExperimentPlannedCommand<PredictionLatencyExperiment>.self,
      ExperimentPlannedCommand<InterfaceExperiment>.self, ExperimentPlannedCommand<FairnessExperiment>.self,
      ExperimentPlannedCommand<VariableRateExperiment>.self,
      ExperimentPlannedCommand<ManyFlowsExperiment>.self,
      ExperimentPlannedCommand<SnapshotSwapExperiment>.self,
      ExperimentPlannedCommand<CompletionTimesExperiment>.self,
      ExperimentPlannedCommand<InteractiveExperiment>.self,
      ExperimentPlannedCommand<ApplicationsExperiment>.self, ExperimentPlannedCommand<MarkingExperiment>.self,
      ExperimentPlannedCommand<SchedulingExperiment>.self, LinksExperimentCommand.self,
      ExperimentUpdatesCommand.self, ExperimentSoakCommand.self, UnreliableAdapterCommand.self,
    ])
}
