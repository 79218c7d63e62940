/// All experiments, in the order of the paper's figures and then what is beyond them.
public enum ExperimentCatalogue {
  public static let all: [ExperimentFacts] =
    [
      convergence, adaptation, batchInterval, QuantizationLossExperiment.facts, InterfaceExperiment.facts,
      updates, links, soak, IntervalExperiment.facts, RateOverTimeExperiment.facts,
      CommunicationExperiment.facts, SoftirqExperiment.facts, GoodputExperiment.facts,
      OverheadExperiment.facts, PredictionLatencyExperiment.facts, FairnessExperiment.facts,
      VariableRateExperiment.facts, ManyFlowsExperiment.facts, SnapshotSwapExperiment.facts,
      InteractiveExperiment.facts, CompletionTimesExperiment.facts, ApplicationsExperiment.facts,
      MarkingExperiment.facts, SchedulingExperiment.facts,
    ].sorted { order($0.name) < order($1.name) }

  /// Left out of `experiment all`: the first is a matrix of 35 minutes whose congestion control must be
  /// attached before, the second runs for as long as it is told, the third needs ns-3, which is optional.
  public static let onlyAlone: Set<String> = ["links", "soak", SchedulingExperiment.facts.name]

  public static func facts(of name: String) -> ExperimentFacts? { all.first { $0.name == name } }

  /// Figures by their number, then tables, then names.
  private static func order(_ name: String) -> String {
    guard name.hasPrefix("fig"), let number = Int(name.dropFirst(3)) else {
      return name.hasPrefix("table") ? "1" + name : "2" + name
    }
    return "0" + "\(number)".indenting(3)
  }

  // What the slow path's experiments say of themselves; their plans and verdicts have forms of their own.

  private static let convergence = ExperimentFacts(
    name: "fig8", title: "Take snapshots along a training and see what each does.", discussion: "",
    method: ConvergenceExperiment.method,
    paper: PaperFigure(
      "Figure 8, §3.2",
      "Aurora's online adaptation needs about 800 iterations to explore; only then does a snapshot in the "
        + "datapath perform ideally."))

  private static let adaptation = ExperimentFacts(
    name: "fig12", title: "Change the link under a network that keeps learning, and under the same frozen.",
    discussion: "", method: AdaptationExperiment.method,
    paper: PaperFigure(
      "Figures 5 and 12, §2.3 and §5.1",
      "Without adaptation goodput drops dramatically when the traffic changes every 20 minutes.",
      "LF-Aurora has adapted after about 13 minutes, LF-MOCC in less than 10."))

  private static let batchInterval = ExperimentFacts(
    name: "fig14", title: "Vary the batch interval; see what it costs and what flows get.", discussion: "",
    method: BatchIntervalExperiment.method,
    paper: PaperFigure(
      "Figure 14, §5.1",
      "With T of 100 to 1000 ms softirq takes at most about 14.1% of the processors' time, a kernel "
        + "congestion control about 12.6%; the goodput of a flow is not compromised."))

  private static let updates = ExperimentFacts(
    name: "updates", title: "Replace the snapshot a thousand times under ten flows.", discussion: "",
    method: UpdatesExperiment.method)

  private static let links = ExperimentFacts(
    name: "links", title: "Compare congestion controls on a matrix of emulated links.", discussion: "",
    method: LinkExperiment.method)

  private static let soak = ExperimentFacts(
    name: "soak", title: "Let flows come while the adapter crashes and the daemon is killed.",
    discussion: "", method: SoakExperiment.method)
}
