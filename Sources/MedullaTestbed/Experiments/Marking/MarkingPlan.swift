/// A bottleneck that marks above a threshold, with much more room behind it, and who steers flows over it:
/// the setting of the experiment `marking`.
public struct MarkingPlan: ExperimentPlan {
  /// Connections of these ask for ECN.
  public var schemes = SteeringScheme.list("dctcp", "medulla", "cubic", "bbr")
  /// And these once more without: the bottleneck can mark none of their packets.
  public var withoutEcn = SteeringScheme.list("medulla", "cubic")
  public var flows = [1, 2, 4]
  public var rateMbps = 200.0
  public var rttMs = 10.0
  /// K, the length of the queue above which packets are marked: DCTCP's guideline, and room for one burst. A
  /// sender's segmentation offload hands over a millisecond of 1.2 times the rate at once.
  public var markAboveBytes = 66_000
  public var bufferBytes = 1_000_000
  public var seconds = 14
  public var warmUp = 4
  public var repeats = 3
  public var seed: UInt64 = 1

  public init() {}

  public static var quick: MarkingPlan {
    var plan = MarkingPlan()
    (plan.schemes, plan.withoutEcn) = (SteeringScheme.list("dctcp", "medulla", "cubic"), [])
    (plan.flows, plan.seconds, plan.warmUp, plan.repeats) = ([2], 4, 2, 1)
    return plan
  }

  public var isComplete: Bool {
    let full = MarkingPlan()
    return Set(full.cells).isSubset(of: cells) && rateMbps == full.rateMbps && rttMs == full.rttMs
      && markAboveBytes == full.markAboveBytes && bufferBytes == full.bufferBytes && warmUp >= full.warmUp
      && seconds - warmUp >= full.seconds - full.warmUp && repeats >= full.repeats
  }

  public var runCount: Int { cells.count * repeats }

  public func validate() throws {
    try require(
      !cells.isEmpty && flows.allSatisfy { (1...64).contains($0) } && (2...3600).contains(seconds)
        && (0..<seconds).contains(warmUp) && (1...100).contains(repeats),
      "The plan's flows, times or repeats are out of range.",
      remedy: "Use 1 to 64 flows, 2 to 3600 seconds, a shorter warm-up and 1 to 100 repeats.")
    try require(
      markAboveBytes > 0 && markAboveBytes < bufferBytes, "The threshold does not lie within the buffer.",
      remedy: "Mark above 1 to \(max(bufferBytes - 1, 1)) bytes.")
    try require(
      !withoutEcn.contains { $0.kind == .dctcp }, "DCTCP without ECN would be Reno.",
      remedy: "Leave dctcp out of without_ecn.")
    try link(round: 0).validate()
  }

  /// Flows of one kind that share the link.
  struct Cell: Hashable {
    var scheme: SteeringScheme
    var asksForECN: Bool
    var flows: Int

    /// The scheme, and that it is without ECN.
    var who: String { "\(scheme)" + (asksForECN ? "" : " without ECN") }
    var title: String { "\(who), \(flows) \(flows == 1 ? "flow" : "flows")" }
  }

  /// Who runs, whatever the number of flows.
  struct Party {
    var scheme: SteeringScheme
    var asksForECN: Bool

    func cell(flows: Int) -> Cell { Cell(scheme: scheme, asksForECN: asksForECN, flows: flows) }
  }

  /// In the order of tables and plots.
  var parties: [Party] {
    schemes.map { Party(scheme: $0, asksForECN: true) }
      + withoutEcn.map { Party(scheme: $0, asksForECN: false) }
  }

  var cells: [Cell] { flows.flatMap { count in parties.map { $0.cell(flows: count) } } }

  /// Half of the round trip each way; the bottleneck is on the way to the server.
  func link(round: Int) -> LinkConfiguration {
    let delay = UInt64(max(rttMs, 0) * 1e6 / 2)
    return LinkConfiguration(
      forward: PathConfiguration(
        bitsPerSecond: rateMbps * 1e6, delayNanoseconds: delay, bufferBytes: bufferBytes,
        markAboveBytes: markAboveBytes),
      backward: PathConfiguration(delayNanoseconds: delay), seed: seed &+ UInt64(round))
  }

  func trial(_ cell: Cell, round: Int) -> FlowTrial {
    var trial = FlowTrial(link: link(round: round), flows: cell.flows, seconds: seconds, warmUp: warmUp)
    trial.asksForECN = cell.asksForECN
    return trial
  }

  /// Payload that the link carries.
  var capacityMbps: Double { rateMbps * LinkCell.payloadBytes / LinkCell.packetBytes }

  /// How long a queue of K bytes takes to drain.
  var thresholdMs: Double { milliseconds(Double(markAboveBytes)) }

  private func milliseconds(_ bytes: Double) -> Double { bytes * 8 / (rateMbps * 1e3) }

  /// C·RTT in bytes.
  private var productBytes: Double { rateMbps * 1e3 / 8 * rttMs }

  /// What K has to exceed so that DCTCP's queue is never empty: C·RTT/7 (Alizadeh et al., "Data Center TCP
  /// (DCTCP)", SIGCOMM 2010, §3.4, equation 13).
  var leastThresholdBytes: Double { productBytes / 7 }

  /// The mean of DCTCP's queue by the same paper's analysis (§3.3): a saw from K + N packets down by
  /// ½ √(2 N (C·RTT + K)), for N flows in step.
  func modelQueueMs(flows: Int) -> Double {
    let (product, threshold) = (
      productBytes / LinkCell.packetBytes, Double(markAboveBytes) / LinkCell.packetBytes
    )
    let amplitude = (2 * Double(flows) * (product + threshold)).squareRoot() / 2
    return milliseconds((threshold + Double(flows) - amplitude / 2) * LinkCell.packetBytes)
  }
}
