/// Fabric, workload, predictor and schemes of the experiment `fig16`.
public struct SchedulingPlan: ExperimentPlan {
  /// The paper's: 2×2 leaf-spine, 32 servers, about 4,000 flows (§5.2).
  public var workload = FabricWorkload()
  /// Workloads, each run under every scheme; their seeds follow each other from `seed` on.
  public var repeats = 3
  public var seed: UInt64 = 1
  public var leaves = 2
  public var spines = 2
  /// Each leaf's link to each spine.
  public var fabricGbps = 40.0
  /// Propagation and switching of a link, one way.
  public var linkMicroseconds = 2.0
  /// Bytes of a full packet. Jumbo frames: hosts hand larger units than 1,500 bytes to their output hooks
  /// anyway, and a simulated packet costs the same whatever its size.
  public var packetBytes = 9000
  /// DCTCP's threshold for 10 Gb/s: 65 packets of 1,500 bytes.
  public var markBytes = 97_500
  /// Shared by all bands of a switch's port.
  public var bufferBytes = 1_000_000
  /// A host's own queue: a thousand packets, as Linux has.
  public var hostBufferBytes = 9_000_000
  public var bands = FlowBands()
  /// Questions that may wait at a host's server.
  public var serverQueue = 1024
  public var patienceMilliseconds = 2000
  public var training = FlowSizePredictor.Training()
  public var schemes = SchedulingScheme.all
  /// The file of flow sizes; empty: the web-search workload's among the project's shared data.
  public var sizes = ""
  /// The directory of the scenario's sources; empty: the project's.
  public var scenario = ""

  public init() {}

  public var seeds: [UInt64] { (0..<UInt64(clamping: repeats)).map { seed &+ $0 } }
  public var runCount: Int { repeats * schemes.count }

  public static var quick: SchedulingPlan {
    var plan = SchedulingPlan()
    plan.workload.flows = 400
    plan.repeats = 1
    plan.schemes = [.off, .ideal, .kernel, .char, .char.leaving(.last)]
    plan.training.seeds = [101, 102, 103]
    plan.training.starts = 2
    return plan
  }

  public var isComplete: Bool {
    let full = SchedulingPlan()
    return full.schemes.allSatisfy(schemes.contains) && repeats >= full.repeats
      && workload.flows >= full.workload.flows && workload.hosts >= full.workload.hosts
  }

  public func validate() throws {
    try workload.validate()
    try bands.validate()
    try require(
      (1...100).contains(repeats) && workload.flows * runCount <= 10_000_000 && !schemes.isEmpty
        && Set(schemes.map(\.name)).count == schemes.count
        && schemes.allSatisfy { (0...1_000_000_000).contains($0.latencyNanoseconds) },
      "The plan's runs are out of range.",
      remedy: "Use 1 to 100 repeats, and schemes of different names whose answers take at most a second.")
    try require(
      Set(training.seeds).isDisjoint(with: seeds), "The predictor would be trained on what is simulated.",
      remedy: "Use other seeds for one of the two.")
    try require(
      (1...16).contains(leaves) && workload.hosts % leaves == 0 && (1...7).contains(spines)
        && fabricGbps > 0 && fabricGbps <= 400 && (0...1000).contains(linkMicroseconds)
        && (576...9000).contains(packetBytes) && (1...1 << 30).contains(markBytes)
        && (packetBytes...1 << 30).contains(bufferBytes)
        && (packetBytes...1 << 30).contains(hostBufferBytes)
        && (1...1 << 20).contains(serverQueue) && (1...100_000).contains(patienceMilliseconds),
      "The plan's fabric is out of range.",
      remedy: "Use equal numbers of hosts on 1 to 16 leaves, 1 to 7 spines and packets of 576 to 9000 bytes.")
  }
}
