import TestbedLink
import TestbedMeasures

/// Completion times of flows between network namespaces, by who gives them their priority: the study
/// `scheduling`.
enum FabricScheduling {
  /// Who gives a flow its band.
  enum Scheme: String, CaseIterable {
    /// Nobody: one queue a port.
    case fifo
    /// The application, which is told its flows' true sizes.
    case trueSize = "true-size"
    /// Flow scheduling in the kernel of each host.
    case kernel
    /// The application, which asks a server in user space that has the same network.
    case userSpace = "user-space"
    /// Flow scheduling with a network that says "small" of every flow: by bytes sent, whatever was learned.
    case bytesSent = "bytes-sent"
    /// As `kernel`, with the slow path.
    case adapting = "kernel-adapting"

    var isInKernel: Bool { self == .kernel || self == .bytesSent || self == .adapting }
  }

  /// What happens in mid-run.
  enum Event: String, CaseIterable {
    case steady
    /// A spine dies, and is restored later.
    case spine
    /// Applications' kinds change places.
    case drift

    var schemes: [Scheme] {
      switch self {
      case .steady: [.fifo, .trueSize, .kernel, .userSpace, .bytesSent]
      case .spine: [.fifo, .trueSize, .kernel]
      case .drift: [.kernel, .adapting]
      }
    }
  }

  static let schemes = Axis(
    "schemes", "scheme", Scheme.allCases.map(\.rawValue), "Who gives a flow its band.")
  static let events = Axis("events", "event", Event.allCases.map(\.rawValue), "What happens in mid-run.")

  static let load = Setting("load", 0.6, in: 0.05...0.95, "Of the hosts' links.")
  static let hostMbps = Setting("host_mbps", 25.0, in: 1...1_000, "Each host's link, each way.")
  static let fabricMbps = Setting("fabric_mbps", 50.0, in: 1...1_000, "Each leaf's link to each spine.")
  static let queueBytes = Setting(
    "queue_bytes", 150_000, in: 1_514...10_000_000, "Of each class of a port, and of the one queue of FIFO.")
  static let scale = Setting(
    "scale", 4.0, in: 1...1_000,
    "By which sizes of flows, their classes' limits and the bands' are divided, so that a run takes seconds.")
  static let driftSeconds = Setting(
    "drift_seconds", 16, .atLeast, in: 4...600, "Seconds of a run with a drift.")
  static let trainingSeconds = Setting(
    "training_seconds", 20, .atLeast, in: 2...600, "Seconds of each of the two runs that training sees.")
  static let starts = Setting("training_starts", 3, .atLeast, in: 1...16, "Random starts of the training.")
  static let epochs = Setting("epochs", 60, .atLeast, in: 1...1_000, "Passes over the flows in training.")
  static let sizes = Setting(
    "sizes", "", .anything, "The file of flow sizes; empty: the web-search workload's beside the project.")

  /// Expedited, two assured classes, and CS1. Not 0: handshakes have no band yet, and would be of the last
  /// one.
  static let marks: [UInt8] = [46, 26, 10, 8]
  /// Most bytes of the bands of unscaled flows.
  static let limits = [10_000, 100_000, 1_000_000]
  /// Workloads that only training sees.
  static let trainingSeeds: [UInt64] = [900_001, 900_002]

  /// Parts of a run: a spine is dead from and until, kinds change places at, flows count from.
  static let deadShare = 0.35...0.7
  static let driftShare = 0.3
  static let judgedShare = 0.6

  static let completed = Metric("completed", "flows completed", places: 0)
  static let unfinished = Metric("unfinished", "flows unfinished", places: 0)
  static let rightBand = Metric("right_band", "ended flows in the right band")
  static let updates = Metric("updates", "snapshots put in", places: 1)
  static let answer = Metric("answer_us", "question to answer in user space", "µs", places: 1)
  static let late = Metric("late_ms", "flows begun late, mean", "ms", places: 2)

  /// Frames of a run's bands.
  static func limits(_ plan: StudyPlan) -> [Int] { limits.map { Int(Double($0) / plan[scale]) } }

  static func requests(_ plan: StudyPlan, _ event: Event, seed: UInt64) -> FabricRequests {
    var requests = FabricRequests()
    (requests.load, requests.hostMbps, requests.scale) = (plan[load], plan[hostMbps], plan[scale])
    (requests.seed, requests.seconds) = (seed, Double(plan.seconds))
    if event == .drift {
      requests.seconds = Double(plan[driftSeconds])
      requests.drift = requests.seconds * driftShare
    }
    return requests
  }

  static func fabric(_ plan: StudyPlan, _ scheme: Scheme) -> FabricPlan {
    var fabric = FabricPlan()
    (fabric.hostMbps, fabric.fabricMbps) = (plan[hostMbps], plan[fabricMbps])
    fabric.queueBytes = plan[queueBytes]
    fabric.marks = scheme == .fifo ? [] : marks
    return fabric
  }

  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    [StudyCell].one.times(events, plan).flatMap { cell in
      plan[schemes].filter { name in
        let own = Event(rawValue: cell[events])?.schemes ?? []
        return own.contains { $0.rawValue == name }
      }.map { cell.with(schemes, $0) }
    }
  }

  static func check(_ plan: StudyPlan) throws {
    try Study.require(
      plan[schemes].allSatisfy { Scheme(rawValue: $0) != nil }
        && plan[events].allSatisfy { Event(rawValue: $0) != nil },
      "A scheme or an event of the plan is not known.",
      remedy: "Use \(Scheme.allCases.map(\.rawValue).joined(separator: ", ")), and "
        + "\(Event.allCases.map(\.rawValue).joined(separator: ", ")).")
    try fabric(plan, .kernel).validate()
    try Study.require(
      plan.seed < 900_000 - 100, "The network would be trained on what is measured.",
      remedy: "Use a smaller seed.")
  }
}
