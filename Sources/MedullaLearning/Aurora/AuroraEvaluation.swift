import CMedullaABI

/// How a policy does on stated paths in the simulator.
package struct AuroraEvaluation: Sendable {
  /// From the clipped-by-nobody features (q16) of a flow to the network's outputs.
  package typealias Policy = @Sendable (UnsafePointer<Int64>) -> SteeringOutputs

  package struct Case: Sendable, Equatable {
    package var name: String
    package var link: LinkScenario
    /// Simulated seconds that are not measured, and that are.
    package var warmUp: Double
    package var measured: Double

    package init(name: String, link: LinkScenario, warmUp: Double, measured: Double) {
      self.name = name
      self.link = link
      self.warmUp = warmUp
      self.measured = measured
    }
  }

  package struct Row: Sendable, Equatable, Codable {
    package let name: String
    /// Share of the capacity over the measured time.
    package let utilisation: Double
    /// Mean wait of a packet in the buffer, in milliseconds and in empty round trips.
    package let queueMilliseconds: Double
    package let queueRoundTrips: Double
    /// Share of packets that the buffer dropped.
    package let dropped: Double
    /// Jain's index of what the flows delivered; 1 for one flow.
    package let jain: Double
    package let guardEvents: Int
    package let timeouts: Int
  }

  package static func configuration() -> mcc_config {
    var configuration = mcc_config()
    mcc_default_config(&configuration)
    return configuration
  }

  /// One row a case; cases run side by side, each depends on its own seed only.
  package static func run(
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
  package static func jain(_ shares: [Double]) -> Double {
    let sum = shares.reduce(0, +)
    let squares = shares.reduce(0) { $0 + $1 * $1 }
    return squares > 0 ? sum * sum / (Double(shares.count) * squares) : 1
  }
}
