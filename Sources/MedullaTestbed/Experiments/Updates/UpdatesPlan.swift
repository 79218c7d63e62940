/// How many updates the experiment `updates` makes, under which flows, on which link.
public struct UpdatesPlan: Codable, Equatable, Sendable {
  public var updates = 1_000
  public var flows = 10
  /// Pairs of a phase without and a phase with updates, in turn.
  public var pairs = 10
  /// Updates a second. A slot is written again one second after it was retired, and of the eight the first
  /// stays taken: iperf3's receiving ends select the congestion control too, and get no ACK at which they
  /// would follow. Seven slots allow fewer than six updates a second.
  public var updatesPerSecond = 5.0
  public var rateMbps = 100.0
  public var rttMilliseconds = 20.0
  public var bufferBdp = 4.0
  /// Seconds at the start that do not count.
  public var warmUp = 8
  /// Different snapshots, put in by turns.
  public var snapshots = 16

  public init() {}

  /// Two pairs of short phases: shows that it works, and has no verdict.
  public static var quick: UpdatesPlan {
    var plan = UpdatesPlan()
    plan.updates = 60
    plan.pairs = 2
    plan.warmUp = 5
    return plan
  }

  /// With fewer pairs no difference is large enough for a permutation test: of 2n phases it can reach a
  /// probability of 2 in C(2n, n), which is 0.03 for four pairs and 0.002 for six.
  public static let leastPairs = 6

  /// A thousand updates under ten flows, in enough phases for the tests to tell.
  public var isComplete: Bool { updates >= 1_000 && flows >= 10 && pairs >= Self.leastPairs }

  public var updatesPerPhase: Int { (updates + pairs - 1) / pairs }
  public var phaseSeconds: Double { Double(updatesPerPhase) / updatesPerSecond }
  public var seconds: Double { Double(warmUp) + phaseSeconds * Double(2 * pairs) }
  /// What the flows are given: phases get longer on a busy machine.
  public var transferSeconds: Int { Int(seconds * 2) + 30 }

  public var cell: LinkCell {
    LinkCell(
      part: .fairness, rateMbps: rateMbps, rttMilliseconds: rttMilliseconds, bufferBdp: bufferBdp, loss: 0,
      flows: flows)
  }

  /// Throws `badParameter` for a plan that cannot be run.
  public func validate() throws {
    guard (1...100_000).contains(updates), (1...100).contains(flows), (1...100).contains(pairs),
      (0...600).contains(warmUp), (2...64).contains(snapshots), updatesPerSecond > 0, updatesPerSecond < 6
    else {
      throw TestbedError(
        .badParameter, "The plan of updates is out of range.",
        remedy: "Use 1 to 100000 updates, 1 to 100 flows and pairs, and fewer than 6 updates a second.")
    }
    guard seconds <= 3_600 else {
      throw TestbedError(
        .badParameter, "The experiment would take \(Int(seconds)) s.", remedy: "Ask for fewer updates.")
    }
    try cell.link(seed: 1).validate()
  }
}
