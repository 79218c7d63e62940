import MedullaFabric

@testable import TestbedExperiments
@testable import TestbedLink

/// A good and a useless variant of each study of networks over a fabric.
enum FabricCases {
  static let all = [
    // Counts, and measures nothing.
    StudyFixture(
      FabricTable1.study, good: { counted($0, share: 1) }, useless: { counted($0, share: 0.5) }),
    StudyFixture(
      FabricLatency.study, good: { timed($0, factor: 1) }, useless: { timed($0, factor: 30) }),
    StudyFixture(
      FabricFaults.study, good: { faulted($0, wrong: 0, wait: 250) },
      useless: { faulted($0, wrong: 3, wait: 5_000) }),
    StudyFixture(
      FabricFaults.large, good: { faulted($0, wrong: 0, wait: 250) },
      useless: { faulted($0, wrong: 3, wait: 5_000) }),
    // Its engine is as slow as the paper's servers.
    StudyFixture(
      FabricRivals.study, good: { beside($0, factor: 1) }, useless: { beside($0, factor: 30) }),
    // Says the same class of every image.
    StudyFixture(
      FabricAccuracy.study, good: { answered($0, accuracy: 0.9) }, useless: { answered($0, accuracy: 0.1) }),
    // Takes as long as the switches are many, and gets no faster by more at once.
    StudyFixture(
      FabricScale.study, good: { scaled($0, hop: 8, isQueue: false) },
      useless: { scaled($0, hop: 4_000, isQueue: true) }),
  ]

  private static func beside(_ cell: StudyCell, factor: Double) -> [String: Double] {
    let way = cell.text("way")
    let time = way == "fabric" ? 2_000 * factor : way == "packed" ? 2_000 : 5_000
    return [
      "p50_us": time, "p99_us": 1.5 * time, "per_second": 1e6 / time, "unit_ns": 170, "unlike": 0,
      "wrong": way == "fabric" ? factor - 1 : 0,
    ]
  }

  /// The useless one is none of the switches'.
  private static func answered(_ cell: StudyCell, accuracy: Double) -> [String: Double] {
    let isFabric = cell.text("way") == "fabric"
    return [
      "images": 10_000, "accuracy": isFabric ? accuracy : 0.9,
      "unlike": isFabric ? (0.9 - accuracy) * 10_000 : 0,
    ]
  }

  private static func scaled(_ cell: StudyCell, hop: Double, isQueue: Bool) -> [String: Double] {
    let switches = Double(cell[FabricScale.switches])
    let window = Double(cell[FabricScale.windows])
    let time = Double(cell[FabricScale.parameters]) * 0.0003 + 20 + hop * switches
    return [
      "p50_us": time * window, "p99_us": 2 * time * window,
      "per_second": isQueue ? 1e6 / time / window : 1e6 / time * 1.2, "wrong": 0,
    ]
  }

  /// A useless fabric takes so many times as long, and is wrong now and then.
  private static func timed(_ cell: StudyCell, factor: Double) -> [String: Double] {
    let isFabric = cell.text("way") == "fabric"
    let isLarge = cell.text("network") == "mini-alexnet"
    let own = isFabric ? factor : 1
    return [
      "p50_us": (isLarge ? 1_900 : 40) * own, "p99_us": (isLarge ? 3_000 : 90) * own,
      "per_second": (isLarge ? 500 : 25_000) / own, "wrong": isFabric ? factor - 1 : 0, "unit_ns": 170,
    ]
  }

  private static func faulted(_ cell: StudyCell, wrong: Double, wait: Double) -> [String: Double] {
    var values = [
      "inferences": 30_000, "wrong": wrong, "unanswered": 0, "repeated": 500, "p50_us": 800, "p99_us": 9_000,
      "moves": 30,
    ]
    if cell.text("fault") == "kills" { (values["failover_ms"], values["failover_p99_ms"]) = (wait / 2, wait) }
    return values
  }

  private static func counted(_ cell: StudyCell, share: Double) -> [String: Double] {
    guard let printed = LayerCount.printed.first(where: { $0.name == cell.text("layer") }) else { return [:] }
    let (parameters, operations) = (Double(printed.parameters), Double(printed.operations))
    let memory = Double(printed.memoryBytes)
    return [
      "parameters": parameters * share, "printed_parameters": parameters, "operations": operations * share,
      "printed_operations": operations, "memory_bytes": memory * share, "printed_memory_bytes": memory,
      "rate_bound_ms": 0.25, "alone_ms": 1, "recirculated_ms": 0.2,
    ]
  }
}
