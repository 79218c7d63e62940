import MedullaBase
import TestbedLargeScale
import TestbedLink
import TestbedWorkload

/// What applications of a fabric's hosts send each other: open-loop Poisson arrivals by a size
/// distribution, of the kinds of `FabricWorkload`, with its preferences, shares, phases and noise.
///
/// A kind says a request's length, which goes ahead of the data; phases are of pairs of hosts, since that is
/// what a kernel remembers. Scores of all flows are ranked and become sizes, so that each run has the
/// distribution's sizes and its offered load.
struct FabricRequests {
  var hosts = 8
  /// Of the hosts' links, mean over the arrivals.
  var load = 0.6
  var hostMbps = 50.0
  var seconds = 8.0
  /// By which sizes of the distribution are divided.
  var scale = 4.0
  var seed: UInt64 = 1
  /// From this time on kinds prefer what the opposite kind preferred; nil: never.
  var drift: Double?

  private static let kinds = FabricWorkload().kinds
  /// Of a request's length, by kind; others of the kind are up to a fifth longer or shorter.
  private static let headBytes = [120.0, 240, 480, 900]

  func draw(_ sizes: FabricSizeDistribution) throws -> [FabricTransfer] {
    let base = FabricWorkload()
    var generator = SeededGenerator(seed: seed)
    let mean = sizes.mean / scale
    let gap = mean / (hostMbps * 1e6 / 8 * Double(hosts) * load)
    let innovation = base.phaseDeviation * (1 - base.phaseMemory * base.phaseMemory).squareRoot()
    var phases = (0..<hosts * hosts).map { _ in base.phaseDeviation * generator.normal() }
    var (now, scores, drawn) = (0.0, [Double](), [FabricTransfer]())
    while true {
      now += generator.exponential(mean: gap)
      guard now < seconds, drawn.count < FabricFlows.limit else { break }
      let source = Int.random(in: 0..<hosts, using: &generator)
      let destination = (source + Int.random(in: 1..<hosts, using: &generator)) % hosts
      let kind = Self.pick(generator.unit())
      let pair = source * hosts + destination
      phases[pair] = base.phaseMemory * phases[pair] + innovation * generator.normal()
      let hasDrifted = drift.map { now >= $0 } ?? false
      let preference = Self.kinds[hasDrifted ? Self.kinds.count - 1 - kind : kind].preference
      scores.append(preference + phases[pair] + base.noiseDeviation * generator.normal())
      let head = Int(Self.headBytes[kind] * (0.8 + 0.4 * generator.unit()))
      drawn.append(
        FabricTransfer(
          startNanoseconds: Int(now * 1e9), source: source, destination: destination, headBytes: head,
          bytes: 0))
    }
    // Before and after a drift each has the whole distribution.
    for part in [drawn.indices.filter { !isAfter(drawn[$0]) }, drawn.indices.filter { isAfter(drawn[$0]) }] {
      let order = part.sorted { (scores[$0], $0) < (scores[$1], $1) }
      for (rank, index) in order.enumerated() {
        let size = sizes.quantile((Double(rank) + generator.unit()) / Double(order.count))
        drawn[index].bytes = max(FabricSizeDistribution.leastBytes, Int(Double(size) / scale))
        drawn[index].headBytes = min(drawn[index].headBytes, drawn[index].bytes)
      }
    }
    return drawn
  }

  func isAfter(_ transfer: FabricTransfer) -> Bool {
    drift.map { Double(transfer.startNanoseconds) / 1e9 >= $0 } ?? false
  }

  private static func pick(_ unit: Double) -> Int {
    var left = unit * kinds.reduce(0) { $0 + $1.share }
    for (index, kind) in kinds.enumerated() {
      left -= kind.share
      if left < 0 { return index }
    }
    return kinds.count - 1
  }
}
