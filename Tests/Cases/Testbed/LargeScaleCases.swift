import TestbedLargeScale
import TestbedWorkload

/// What the large-scale tests share.
package enum LargeScaleCases {
  /// Round numbers in the manner of data-centre traffic: many small flows, most bytes in few large ones.
  package static func sizes() throws -> FabricSizeDistribution {
    try FabricSizeDistribution(
      name: "test",
      points: [(0, 0), (8_000, 0.3), (60_000, 0.6), (500_000, 0.8), (4_000_000, 1)]
        .map { FabricSizeDistribution.Point(bytes: $0.0, probability: $0.1) })
  }

  package static func workload(flows: Int = 600, seed: UInt64 = 1) -> FabricWorkload {
    var workload = FabricWorkload()
    workload.hosts = 8
    workload.flows = flows
    workload.seed = seed
    return workload
  }

  package static func training() -> FlowSizePredictor.Training {
    var training = FlowSizePredictor.Training()
    training.seeds = [101, 102, 103]
    training.flows = 600
    training.starts = 2
    training.epochs = 12
    training.batch = 32
    return training
  }
}
