import MedullaSnapshot

@testable import MedullaLabels

/// What tests of rules share: a schema, and a flow of it.
enum RuleCase {
  static let schema = LabelSchema(
    classes: ["web", "bulk", "web-chat", "abstain"],
    features: ["log2(1+duration)", "length_mean", "gap_mean"].compactMap { InputFeature($0) },
    facts: ["packets", "bytes"])

  /// duration 1,000, length_mean 400, gap_mean 0, packets 12, bytes 4,800, web by 0.5.
  static func request(
    source: String = "192.0.2.7", destination: String = "10.1.2.3", port: UInt16 = 443, transport: UInt8 = 6,
    prediction: Int? = 0
  ) throws -> LabelRequest {
    let ends = FlowEndpoints(
      source: IPAddress(source)?.bytes ?? [], destination: IPAddress(destination)?.bytes ?? [],
      sourcePort: 50_000, destinationPort: port, transport: transport)
    return LabelRequest(
      sample: 9, flow: ends, features: [9 + 489.0 / 512, 400, 0], facts: ["packets": 12, "bytes": 4_800],
      prediction: prediction, margin: 0.5)
  }

  static func program(
    _ text: String, schema: LabelSchema = schema, lists: RuleLists = .none
  ) throws -> RuleProgram {
    try RuleProgram(text, named: "rules", schema: schema, lists: lists)
  }

  /// Whether a condition holds of the flow.
  static func holds(_ condition: String, _ request: LabelRequest) throws -> Bool {
    try program("web if \(condition)").first(holdingOf: request) != nil
  }
}
