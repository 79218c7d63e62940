import Foundation
import TestbedLargeScale
import TestbedLink
import TestbedWorkload

/// Where the networks of paths learn: the study's fabrics under workloads that are not judged, and the
/// programs that come of it.
struct BalancingLaboratory {
  /// The program that has each cell's network.
  struct Programs {
    var adapted: [BalancingFabric: PathProgram] = [:]
    var explored: [BalancingFabric: PathProgram] = [:]
    var unadapted: PathProgram
    var untrained: PathProgram

    func program(_ scheme: BalancingScheme, _ fabric: BalancingFabric) -> PathProgram {
      switch scheme.network {
      case .adapted: adapted[fabric] ?? untrained
      case .explored: explored[fabric] ?? untrained
      case .unadapted: unadapted
      case .untrained: untrained
      }
    }
  }

  let plan: StudyPlan
  let sizes: FabricSizeDistribution
  let times: AnswerTimes
  let build: ScenarioBuild
  let scratch: ScratchDirectory

  private static let untrainedSeed: UInt64 = 7

  func programs() throws -> Programs {
    let untrained = try program(
      "untrained", PathPredictor(untrainedFor: plan[Scheduling.spines], seed: Self.untrainedSeed))
    let elsewhere = try samples(.ecmp, .even, load: plan[Balancing.otherLoad], untrained)
    var programs = Programs(
      unadapted: try program("unadapted", learned(elsewhere)), untrained: untrained)
    for fabric in BalancingFabric.allCases where plan[Balancing.fabrics].contains(fabric.rawValue) {
      var seen = try samples(.ecmp, fabric, load: plan[Balancing.load], untrained)
      var current = try program("\(fabric.rawValue)-0", learned(seen))
      programs.explored[fabric] = current
      for tuning in 0..<plan[Balancing.tunings] {
        let placed = try samples(
          .kernel, fabric, load: plan[Balancing.load], explored: plan[Balancing.exploredPercent], current)
        seen = zip(seen, placed).map { PathSamples(joining: [$0, $1]) }
        current = try program("\(fabric.rawValue)-\(tuning + 1)", learned(seen))
      }
      programs.adapted[fabric] = current
    }
    return programs
  }

  private func program(_ name: String, _ predictor: PathPredictor) throws -> PathProgram {
    try PathProgram(build, predictor.file, directory: URL(fileURLWithPath: scratch.path(name)))
  }

  private func learned(_ samples: [PathSamples]) throws -> PathPredictor {
    var training = PathPredictor.Training()
    training.starts = plan[Balancing.starts]
    return try PathPredictor(paths: plan[Scheduling.spines], explored: samples, training: training)
  }

  /// What flows of each of the training's workloads were told, and then saw.
  private func samples(
    _ scheme: BalancingScheme, _ fabric: BalancingFabric, load: Double, explored: Int = 0,
    _ program: PathProgram
  ) throws -> [PathSamples] {
    let shape = program.snapshot.shape
    var options = scheme.timed(by: times).options(
      plan, fabric: fabric, fractionBits: shape.outputFractionBits)
    options["explored"] = "\(explored)"
    let runs = try plan[Balancing.trainingSeeds].map { seed in
      var workload = Balancing.workload(plan, seed: UInt64(clamping: seed))
      workload.load = load
      return PathProgram.Simulation(program, try workload.draw(sizes), options)
    }
    return try PathProgram.run(runs, atOnce: plan[Balancing.atOnce])
      .map { PathSamples($0, fractionBits: shape.featureFractionBits) }
  }
}
