import TestbedLink
import TestbedMeasures

/// Completion times of flows between network namespaces whose hosts choose paths: the study `paths`.
enum FabricPaths {
  /// Who chooses the spine.
  enum Scheme: String, CaseIterable {
    /// The leaves, by a hash of addresses and ports.
    case ecmp
    /// Path selection in each host, which draws by chance: its headers, and no network.
    case hash
    /// Path selection with a network that says the paths' round trips as they are known.
    case leastRtt = "least-rtt"
    /// Path selection with a network that was trained.
    case kernel
    /// As `kernel`, with the slow path.
    case adapting = "kernel-adapting"
  }

  /// The fabric, or what happens in it.
  enum Condition: String, CaseIterable {
    case even
    /// The first spine has a third of the rate.
    case uneven
    /// A spine dies in mid-run and comes back later.
    case spine
    /// From one leaf everything over a spine is lost without a word, beside datagrams.
    case silence

    var schemes: [Scheme] {
      switch self {
      case .even: [.ecmp, .leastRtt, .kernel]
      case .uneven: [.ecmp, .hash, .leastRtt, .kernel, .adapting]
      case .spine: [.ecmp, .kernel]
      case .silence: [.kernel]
      }
    }
  }

  static let schemes = Axis("schemes", "scheme", Scheme.allCases.map(\.rawValue), "Who chooses the spine.")
  static let conditions = Axis(
    "conditions", "condition", Condition.allCases.map(\.rawValue), "The fabric, or what happens in it.")
  static let share = Setting("slow_share", 0.33, in: 0.01...1, "Of its rate, what the slow spine has.")
  static let trainingSeconds = Setting(
    "training_seconds", 80, .atLeast, in: 2...600, "Seconds of each of the three runs that training sees.")

  /// The inputs of `examples/paths`, of each path.
  static let features = ["rtt", "bytes", "flows", "age"]
  /// Workloads that only training sees: with all spines alike, and with each of them slow.
  static let trainingSeeds: [UInt64] = [900_011, 900_012, 900_013]
  /// Parts of a run in which a spine is dead.
  static let deadShare = 0.35...0.7

  static let completed = Metric("completed", "flows completed", places: 0)
  static let unfinished = Metric("unfinished", "flows unfinished", places: 0)
  static let firstSpine = Metric("first_spine", "share of flows placed on the first spine")
  static let left = Metric("left", "flows that left a silent path", places: 0)
  static let updates = Metric("updates", "snapshots put in", places: 1)
  static let late = Metric("late_ms", "flows begun late, mean", "ms", places: 2)
  static let slowest = Metric("slowest_ms", "slowest short flow begun while a spine is dead", "ms", places: 1)
  static let evidence = Metric("evidence_ms", "loss to evidence", "ms", places: 1)
  static let leaving = Metric("leaving_ms", "evidence to last packet", "ms", places: 2)
  static let roundTrip = Metric("path_rtt_ms", "the path's round trip", "ms", places: 2)
  static let resolution = Metric("resolution_ms", "between the looks around it", "ms", places: 2)
  static let beyond = Metric("beyond_ms", "last packet, beyond a round trip", "ms", places: 2)

  static func requests(_ plan: StudyPlan, seed: UInt64) -> FabricRequests {
    var requests = FabricRequests()
    (requests.load, requests.hostMbps) = (plan[FabricScheduling.load], plan[FabricScheduling.hostMbps])
    (requests.scale, requests.seed) = (plan[FabricScheduling.scale], seed)
    requests.seconds = Double(plan.seconds)
    return requests
  }

  /// - Parameter slow: a spine that has only a part of its rate; nil: all alike.
  static func fabric(_ plan: StudyPlan, slow: Int?) -> FabricPlan {
    var fabric = FabricPlan()
    fabric.hostMbps = plan[FabricScheduling.hostMbps]
    fabric.fabricMbps = plan[FabricScheduling.fabricMbps]
    fabric.queueBytes = plan[FabricScheduling.queueBytes]
    if let slow { fabric.spineShares = (0..<fabric.spines).map { $0 == slow ? plan[share] : 1 } }
    return fabric
  }

  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    [StudyCell].one.times(conditions, plan).flatMap { cell in
      plan[schemes].filter { name in
        let own = Condition(rawValue: cell[conditions])?.schemes ?? []
        return own.contains { $0.rawValue == name }
      }.map { cell.with(schemes, $0) }
    }
  }

  static func check(_ plan: StudyPlan) throws {
    try Study.require(
      plan[schemes].allSatisfy { Scheme(rawValue: $0) != nil }
        && plan[conditions].allSatisfy { Condition(rawValue: $0) != nil },
      "A scheme or a condition of the plan is not known.",
      remedy: "Use \(Scheme.allCases.map(\.rawValue).joined(separator: ", ")), and "
        + "\(Condition.allCases.map(\.rawValue).joined(separator: ", ")).")
    try fabric(plan, slow: 0).validate()
    try Study.require(
      plan.seed < 900_000 - 100, "The network would be trained on what is measured.",
      remedy: "Use a smaller seed.")
  }
}
