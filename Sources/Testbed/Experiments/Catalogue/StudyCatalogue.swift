import MedullaBase

extension Study {
  /// All studies, in the order of the paper's figures and then what is beyond them: the command line and the
  /// report take them from here.
  package static let all: [Study] =
    [
      CongestedPath.fig1, CongestedPath.fig11, CongestedPath.changing, RateOverTime.fig2,
      RateOverTime.changing,
      Concurrency.fig3, Concurrency.fig4, Concurrency.fig13, Concurrency.senderLimited,
      Concurrency.lowLatency, Concurrency.engine,
      Concurrency.engineLoad, QuantizationLoss.fig7, Convergence.fig8, Adaptation.fig12, BatchInterval.fig14,
      PredictionLatency.fig15, Scheduling.fig16, Balancing.fig17, Interface.table1, Updates.study,
      Consistency.study, Soak.study,
      Links.study, Coexistence.study, Ablation.study, ShortTransfers.study,
      Fairness.study, HardPaths.study, VariableRate.study, ManyFlows.study, SnapshotSwap.study,
      CompletionTimes.study,
      Interactive.study, Applications.study, CaptureApplications.study, PacketRate.study, Marking.atGuideline,
      Marking.withBurst, FabricScheduling.study, FabricPaths.study, Caravan.cic, Caravan.unsw,
      CaravanNoise.study, CaravanPackets.study, Forwarding.study, Forwarding.table2, Transfers.fig5,
      Transfers.fig9, ImageInference.fig10, ImageInference.fig11, ImageInference.fig12, StreamTraining.study,
      FileTypeAnswers.study, Overload.study, Overload.services, ImageModes.study,
      FabricTable1.study, FabricLatency.study, FabricRivals.study, FabricFaults.study, FabricFaults.large,
      FabricAccuracy.study, FabricScale.study,
    ].sorted { order($0.name) < order($1.name) }

  package static func named(_ name: String) -> Study? { all.first { $0.name == name } }

  /// Figures by their number, then tables, then names.
  private static func order(_ name: String) -> String {
    guard name.hasPrefix("fig"), let number = Int(name.dropFirst(3)) else {
      return name.hasPrefix("table") ? "1" + name : "2" + name
    }
    return "0" + "\(number)".indenting(3)
  }

  /// Every bound of every study: what, how much, by its value or its interval, from where, and whether a
  /// verdict follows from it.
  package static var boundTable: TextTable {
    TextTable(
      columns: ["study", "figure", "bound", "by", "source", "judged"],
      rows: all.flatMap { study in
        study.bounds.map { bound in
          let places = study.figures.first { $0.name == bound.figure }?.places ?? bound.places
          return [
            study.name, bound.figure, bound.comparison.text(places: max(places, 2)),
            bound.judgedBy.rawValue, bound.source.text, bound.judged ? "yes" : "no",
          ]
        }
      }, leaning: 6)
  }
}
