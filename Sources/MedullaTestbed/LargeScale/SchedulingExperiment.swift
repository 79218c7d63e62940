import Foundation
import MedullaSnapshot

/// The experiment `fig16`: completion times in a fabric whose senders predict flow sizes, by where they
/// predict and how long that takes.
public struct SchedulingExperiment: Experiment {
  public static let facts = ExperimentFacts(
    name: "fig16", title: "Flow completion times under predicted priorities in a simulated fabric.",
    discussion: """
      Needs ns-3 (libns3-dev, g++, make) and the web-search flow sizes; --set sizes=FILE names others. A \
      full run takes half an hour of one processor, --quick a minute. --set workload, schemes, packet_bytes \
      and others change the plan.
      """,
    method: """
      ns-3: leaf-spine, DCTCP, strict-priority ports that mark each band at a threshold; open-loop Poisson \
      arrivals by a size distribution, opened by applications of several kinds so that sizes can be \
      predicted at all. An FFNN (two hidden layers of 5, ReLU) is trained on other seeds' workloads, \
      quantized, written as C and linked into the simulator; every first and last inference of a flow is \
      checked against the reference interpreter. Answer times are injected from measurements: at once for \
      all, or by one server a host. Differences are paired by workload, with 95% confidence intervals over \
      the seeds.
      """,
    paper: PaperFigure(
      "Figure 16, §5.2",
      "Short flows: LF-FFNN 377 µs, without adaptation 401 µs, char-FFNN 423 µs (10.9% less).",
      "Long flows: LF-FFNN 60,232 µs, without adaptation 78,201 µs, char-FFNN 90,823 µs (33.7% less)."))

  private let plan: SchedulingPlan
  private let sizes: FabricSizeDistribution
  private let predictor: FlowSizePredictor
  private let program: FabricProgram
  private let directory: URL
  private let narrate: @Sendable (String) -> Void

  public init(_ plan: SchedulingPlan, context: ExperimentContext) throws {
    let ns3 = try NS3Installation.find()
    let sources = plan.scenario.isEmpty ? try FabricProgram.sources() : plan.scenario
    self.plan = plan
    narrate = context.narrate
    sizes = try FabricSizeDistribution(contentsOf: plan.sizes.isEmpty ? Self.sharedSizes() : plan.sizes)
    predictor = try FlowSizePredictor(like: plan.workload, sizes: sizes, training: plan.training)
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-fig16-\(getpid())")
    let digest = predictor.file.digest.prefix(12)
    narrate("Compiling the scenario with ns-3 \(ns3.version) and the snapshot \(digest).")
    do {
      program = try FabricProgram(sources: sources, snapshot: predictor.file, directory: directory)
    } catch {
      try? FileManager.default.removeItem(at: directory)
      throw error
    }
  }

  public func measure(_ take: (SchedulingRun) throws -> Void) throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let snapshot = predictor.file.snapshot
    let interpreter = ReferenceInterpreter(snapshot)
    for seed in plan.seeds {
      var workload = plan.workload
      workload.seed = seed
      let flows = try workload.draw(sizes)
      let accuracy = FlowSizeAccuracy(snapshot, on: flows, bands: plan.bands)
      let features = FlowSizeFeatures.atStart(of: flows).map(interpreter.fixedPoint)
      for scheme in plan.schemes {
        let output = try program.run(
          flows, features: features, bands: plan.bands,
          options: scheme.options(plan, fractionBits: snapshot.shape.outputFractionBits))
        let checked = FabricProgram.mismatches(output, snapshot)
        try take(SchedulingRun(scheme, seed: seed, output, checked: checked, accuracy: accuracy))
      }
    }
  }

  /// The web-search workload, which is not the project's to distribute: beside the project.
  private static func sharedSizes() throws -> String {
    let name = "websearch.json"
    let folder = try ProjectFile.directory("../shared/data/flows", holding: name, setting: "sizes")
    return "\(folder)/\(name)"
  }
}
