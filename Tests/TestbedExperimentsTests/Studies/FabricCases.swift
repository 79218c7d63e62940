import MedullaFabric

@testable import TestbedExperiments
@testable import TestbedLink

/// A good and a useless variant of each study of networks over a fabric.
enum FabricCases {
  /// The study of a fabric's layers counts, and measures nothing.
  static let all = [
    StudyFixture(
      FabricTable1.study, good: { counted($0, share: 1) }, useless: { counted($0, share: 0.5) })
  ]

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
