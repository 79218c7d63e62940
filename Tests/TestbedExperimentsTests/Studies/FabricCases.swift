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
  ]

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
