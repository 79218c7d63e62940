import CCongestion

/// How a policy does on stated paths in the simulator.
public struct AuroraEvaluation: Sendable {
  /// From the clipped-by-nobody features (q16) of a flow to its action (q16).
  public typealias Policy = @Sendable (UnsafePointer<Int64>) -> Int64

  public struct Case: Sendable, Equatable {
    public var name: String
    public var link: LinkScenario
    /// Simulated seconds that are not measured, and that are.
    public var warmUp: Double
    public var measured: Double

    public init(name: String, link: LinkScenario, warmUp: Double, measured: Double) {
      self.name = name
      self.link = link
      self.warmUp = warmUp
      self.measured = measured
    }
  }

  public struct Row: Sendable, Equatable, Codable {
    public let name: String
    /// Share of the capacity over the measured time.
    public let utilisation: Double
    /// Mean wait of a packet in the buffer, in milliseconds and in empty round trips.
    public let queueMilliseconds: Double
    public let queueRoundTrips: Double
    /// Share of packets that the buffer dropped.
    public let dropped: Double
    /// Jain's index of what the flows delivered; 1 for one flow.
    public let jain: Double
    public let guardEvents: Int
    public let timeouts: Int
  }

  public static func configuration() -> mcc_config {
    var configuration = mcc_config()
    mcc_default_config(&configuration)
    return configuration
  }

  /// One row a case; cases run side by side, each depends on its own seed only.
  public static func run(
    _ cases: [Case], configuration: mcc_config = configuration(), policy: @escaping Policy
  ) throws(LearningError) -> [Row] {
    let results = inParallel(cases.count) { index in
      Result { () throws(LearningError) in try row(cases[index], configuration, policy) }
    }
    var rows: [Row] = []
    for result in results { rows.append(try result.get()) }
    return rows
  }

  private static func row(
    _ item: Case, _ configuration: mcc_config, _ policy: @escaping Policy
  ) throws(LearningError) -> Row {
    let simulator = try CongestionSimulator(item.link, configuration: configuration) { policy($1) }
    simulator.run(until: item.warmUp)
    let before = item.link.flows.indices.map { simulator.counts(of: $0) }
    let linkBefore = simulator.linkCounts
    simulator.run(until: item.warmUp + item.measured)
    let after = item.link.flows.indices.map { simulator.counts(of: $0) }
    let link = simulator.linkCounts
    let bits = Double(item.link.packetBytes) * 8
    let shares = zip(before, after).map { Double($1.delivered - $0.delivered) }
    let accepted = Double(link.accepted - linkBefore.accepted)
    let dropped = Double(link.dropped - linkBefore.dropped)
    let wait = (link.waited - linkBefore.waited) / max(accepted, 1)
    let path = item.link.flows.map(\.roundTrip).reduce(0, +) / Double(item.link.flows.count)
    let available = (item.link.rate - item.link.crossRate) * item.measured
    return Row(
      name: item.name, utilisation: shares.reduce(0, +) * bits / available,
      queueMilliseconds: wait * 1000, queueRoundTrips: wait / path,
      dropped: dropped / max(accepted + dropped, 1), jain: jain(shares),
      guardEvents: after.reduce(0) { $0 + $1.guardEvents }, timeouts: after.reduce(0) { $0 + $1.timeouts })
  }

  /// Jain, Chiu and Hawe, 1984: (Σx)² / (n Σx²).
  public static func jain(_ shares: [Double]) -> Double {
    let sum = shares.reduce(0, +)
    let squares = shares.reduce(0) { $0 + $1 * $1 }
    return squares > 0 ? sum * sum / (Double(shares.count) * squares) : 1
  }
}
