import MedullaBase
import MedullaLearning
import TestbedLink
import TestbedWorkload

/// One flow of a fabric's workload and what its sender knows when it begins.
package struct FabricFlow: Codable, Equatable, Sendable {
  package var startNanoseconds: Int
  package var source: Int
  package var destination: Int
  package var bytes: Int
  /// Of the sender's applications, the one that opens the flow.
  package var application: Int
  /// What the application hands over at once: all that a sender sees of the flow itself.
  package var firstWriteBytes: Int
}

/// Open-loop Poisson arrivals of flows between the hosts of a fabric, by a size distribution.
///
/// Sizes alone, drawn independently, could not be predicted by anybody. So flows are opened by applications:
/// each host runs one of each kind; kinds differ in the sizes that they prefer, in how often they send and in
/// how much they hand over at once, and an application's sizes drift in phases. All flows' scores are ranked
/// at the end and the ranks turned into sizes, so that each run has the distribution's sizes, as exactly as
/// its number of flows allows, and its offered load.
package struct FabricWorkload: Codable, Equatable, Sendable {
  /// A kind of application.
  package struct Kind: Codable, Equatable, Sendable {
    /// Mean score: larger sends larger flows.
    package var preference: Double
    /// Part of the flows.
    package var share: Double
    package var writeBytes: Int
  }

  package var hosts = 32
  package var flows = 4000
  /// Leaves between which all flows go, with equally many hosts; 0: flows go to any other host.
  package var crossedLeaves = 0
  /// Of the hosts' links, mean over the arrivals.
  package var load = 0.5
  package var hostGbps = 10.0
  package var seed: UInt64 = 1
  package var kinds = [
    Kind(preference: -1.2, share: 0.4, writeBytes: 16_384),
    Kind(preference: -0.4, share: 0.3, writeBytes: 4_096),
    Kind(preference: 0.4, share: 0.2, writeBytes: 8_192),
    Kind(preference: 1.2, share: 0.1, writeBytes: 16_384),
  ]
  /// Standard deviation of an application's phase, and how much of it the next flow keeps.
  package var phaseDeviation = 0.5
  package var phaseMemory = 0.8
  /// Standard deviation of what nobody can know beforehand.
  package var noiseDeviation = 0.4

  package init() {}

  package func validate() throws {
    guard (2...256).contains(hosts), (1...100_000).contains(flows), load > 0, load <= 1,
      hostGbps > 0, hostGbps <= 400, (1...64).contains(kinds.count),
      kinds.allSatisfy({ $0.share > 0 && $0.share.isFinite && $0.preference.isFinite && $0.writeBytes > 0 }),
      (0..<1).contains(phaseMemory), phaseDeviation >= 0, noiseDeviation >= 0,
      crossedLeaves == 0 || (crossedLeaves >= 2 && hosts % crossedLeaves == 0)
    else {
      throw TestbedError(
        .badParameter, "The workload of the fabric is out of range.",
        remedy: "Use 2 to 256 hosts, 1 to 100,000 flows and a load above 0 and up to 1.")
    }
  }

  /// Arrivals in order; the same seed gives the same flows.
  package func draw(_ sizes: FabricSizeDistribution) throws -> [FabricFlow] {
    try validate()
    var generator = SeededGenerator(seed: seed)
    let bytesPerNanosecond = hostGbps / 8 * Double(hosts) * load
    let meanGap = sizes.mean / bytesPerNanosecond
    var phases = [Double](repeating: 0, count: hosts * kinds.count)
    for index in phases.indices { phases[index] = phaseDeviation * generator.normal() }
    let innovation = phaseDeviation * (1 - phaseMemory * phaseMemory).squareRoot()
    // The first flow begins after everything is set up.
    var now = 100_000.0
    var scores: [Double] = []
    var drawn: [FabricFlow] = []
    for _ in 0..<flows {
      now += generator.exponential(mean: meanGap)
      let source = Int.random(in: 0..<hosts, using: &generator)
      let destination = destination(from: source, &generator)
      let kind = pick(&generator)
      let application = source * kinds.count + kind
      phases[application] = phaseMemory * phases[application] + innovation * generator.normal()
      scores.append(kinds[kind].preference + phases[application] + noiseDeviation * generator.normal())
      drawn.append(
        FabricFlow(
          startNanoseconds: Int(now), source: source, destination: destination, bytes: 0,
          application: kind, firstWriteBytes: 0))
    }
    let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    for (rank, index) in order.enumerated() {
      let bytes = sizes.quantile((Double(rank) + generator.unit()) / Double(flows))
      drawn[index].bytes = bytes
      drawn[index].firstWriteBytes = min(bytes, kinds[drawn[index].application].writeBytes)
    }
    return drawn
  }

  private func destination(from source: Int, _ generator: inout SeededGenerator) -> Int {
    guard crossedLeaves > 0 else {
      return (source + Int.random(in: 1..<hosts, using: &generator)) % hosts
    }
    // Beyond the hosts of the source's own leaf, which lie in a row.
    let own = hosts / crossedLeaves
    let beyond = (source / own + 1) * own
    return (beyond + Int.random(in: 0..<(hosts - own), using: &generator)) % hosts
  }

  private func pick(_ generator: inout SeededGenerator) -> Int {
    var left = generator.unit() * kinds.reduce(0) { $0 + $1.share }
    for (index, kind) in kinds.enumerated() {
      left -= kind.share
      if left < 0 { return index }
    }
    return kinds.count - 1
  }
}
