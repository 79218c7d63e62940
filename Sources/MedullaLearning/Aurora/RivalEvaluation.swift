import CMedullaABI

/// How a policy does beside one flow of CUBIC or BBR on stated paths in the simulator, and how CUBIC does in
/// its place.
package struct RivalEvaluation: Sendable {
  /// One bottleneck without random loss that two flows share.
  package struct Cell: Sendable, Equatable {
    package var rival: LinkScenario.Sender
    /// Whether our flow is there five seconds before the rival, or five after.
    package var isOwnFirst: Bool
    /// Bits a second, seconds, and bandwidth-delay products of buffer.
    package var rate: Double
    package var roundTrip: Double
    package var buffer: Double
  }

  package struct Row: Sendable, Equatable, Codable {
    package let rival: String
    package let isOwnFirst: Bool
    package let rateMbps: Double
    package let roundTripMilliseconds: Double
    package let bufferProducts: Double
    /// What our flow and CUBIC in its place get, over the fair part.
    package let ownShare: Double
    package let cubicShare: Double
    /// And what that leaves the rival, over the fair part.
    package let rivalShare: Double
    package let rivalShareBesideCubic: Double
    /// Mean wait of a packet in the buffer, in milliseconds.
    package let queueMilliseconds: Double
    /// Share of the time in which our flow believed in the rival.
    package let belief: Double
    /// Seconds after the rival's end to a mean queue of at most a quarter of a round trip, or of 5 ms; nil:
    /// not within `after`.
    package let smallAfter: Double?

    /// Of what CUBIC gets in our place.
    package var ratio: Double { ownShare / max(cubicShare, 1e-3) }
  }

  /// Seconds of one flow alone, of two flows before and while it counts, and after the rival's end.
  package var alone = 5.0
  package var warmUp = 5.0
  package var measured = 55.0
  package var after = 15.0
  private static let step = 0.5

  package init() {}

  /// The cells of the experiment `coexistence`, up to `rateLimit` (bits a second).
  package static func cells(rival: LinkScenario.Sender, rateLimit: Double = 400e6) -> [Cell] {
    var cells: [Cell] = []
    for isOwnFirst in [true, false] {
      for roundTrip in [0.01, 0.04, 0.1] {
        for buffer in [0.5, 1, 4, 16] {
          for rate in [12e6, 48e6, 100e6, 400e6] where rate <= rateLimit {
            cells.append(
              Cell(rival: rival, isOwnFirst: isOwnFirst, rate: rate, roundTrip: roundTrip, buffer: buffer))
          }
        }
      }
    }
    return cells
  }

  /// One row a cell; cells run side by side.
  package func run(
    _ cells: [Cell], configuration: mcc_config = AuroraEvaluation.configuration(), seed: UInt64 = 1,
    policy: @escaping AuroraEvaluation.Policy
  ) throws(LearningError) -> [Row] {
    let results = inParallel(cells.count) { index in
      Result { () throws(LearningError) in
        let cell = cells[index]
        let ours = try outcome(cell, .network, configuration, seed &+ UInt64(index), policy)
        let cubic = try outcome(cell, .cubic, configuration, seed &+ UInt64(index), policy)
        return Row(
          rival: cell.rival.rawValue, isOwnFirst: cell.isOwnFirst, rateMbps: cell.rate / 1e6,
          roundTripMilliseconds: cell.roundTrip * 1000, bufferProducts: cell.buffer,
          ownShare: ours.shares[0], cubicShare: cubic.shares[0], rivalShare: ours.shares[1],
          rivalShareBesideCubic: cubic.shares[1], queueMilliseconds: ours.wait * 1000,
          belief: ours.belief, smallAfter: ours.smallAfter)
      }
    }
    var rows: [Row] = []
    for result in results { rows.append(try result.get()) }
    return rows
  }

  private struct Outcome {
    var shares: [Double] = []
    var wait = 0.0
    var belief = 0.0
    var smallAfter: Double?
  }

  private func link(_ cell: Cell, _ sender: LinkScenario.Sender, _ seed: UInt64) -> LinkScenario {
    let packets = AuroraScenario.product(rate: cell.rate, roundTrip: cell.roundTrip)
    var own = LinkScenario.Flow(start: cell.isOwnFirst ? 0 : alone, roundTrip: cell.roundTrip)
    own.sender = sender
    var rival = LinkScenario.Flow(start: cell.isOwnFirst ? alone : 0, roundTrip: cell.roundTrip)
    rival.sender = cell.rival
    rival.end = alone + warmUp + measured
    var link = LinkScenario(
      rate: cell.rate, bufferBytes: Int(max(packets * cell.buffer, 4) * 1500), flows: [own, rival])
    link.jitter = 30e-6
    link.seed = seed
    return link
  }

  private func outcome(
    _ cell: Cell, _ sender: LinkScenario.Sender, _ configuration: mcc_config, _ seed: UInt64,
    _ policy: @escaping AuroraEvaluation.Policy
  ) throws(LearningError) -> Outcome {
    let link = link(cell, sender, seed)
    let simulator = try CongestionSimulator(link, configuration: configuration) { policy($1) }
    let (begin, end) = (alone + warmUp, alone + warmUp + measured)
    simulator.run(until: begin)
    let (before, linkBefore) = ([0, 1].map { simulator.counts(of: $0).delivered }, simulator.linkCounts)
    var outcome = Outcome()
    let steps = Int((measured / Self.step).rounded(.up))
    for index in 1...max(steps, 1) {
      simulator.run(until: min(begin + Double(index) * Self.step, end))
      outcome.belief += simulator.counts(of: 0).hasRival ? 1 / Double(max(steps, 1)) : 0
    }
    let fair = link.rate / Double(link.packetBytes) / 8 / 2 * measured
    outcome.shares = [0, 1].map { Double(simulator.counts(of: $0).delivered - before[$0]) / fair }
    outcome.wait = Self.wait(linkBefore, simulator.linkCounts)
    var passed = 0.0
    while passed < after, outcome.smallAfter == nil {
      let last = simulator.linkCounts
      passed += Self.step
      simulator.run(until: end + passed)
      if Self.wait(last, simulator.linkCounts) <= max(cell.roundTrip / 4, 0.005) {
        outcome.smallAfter = passed
      }
    }
    return outcome
  }

  /// Mean wait of a packet between two counts, in seconds.
  private static func wait(
    _ from: CongestionSimulator.LinkCounts, _ to: CongestionSimulator.LinkCounts
  ) -> Double {
    (to.waited - from.waited) / Double(max(to.accepted - from.accepted, 1))
  }
}
