import MedullaLabels
import MedullaSnapshot

/// What holds for the reader of rules on any bytes at all. The fuzz target and the tests share it.
package enum RuleProperties {
  package static let schema = LabelSchema(
    classes: ["web", "bulk", "attack"],
    features: ["packets", "log2(1+duration)", "length_mean", "log2(1+gap_mean)"].compactMap {
      InputFeature($0)
    },
    facts: ["bytes"])

  private static let requests: [LabelRequest] = [
    request(1, [192, 0, 2, 1], [10, 1, 2, 3], 443, 6, [3, 12.5, 400, 7]),
    request(2, Array(repeating: 0x20, count: 16), Array(repeating: 0, count: 16), 53, 17, [0, 0, 0, 0]),
    request(3, [255, 255, 255, 255], [0, 0, 0, 0], 0, 1, [.infinity, 64, -1, .nan]),
    // Without what the schema says that all have.
    LabelRequest(sample: 4, features: []),
  ]

  private static func request(
    _ sample: UInt64, _ source: [UInt8], _ destination: [UInt8], _ port: UInt16, _ transport: UInt8,
    _ features: [Double]
  ) -> LabelRequest {
    let ends = FlowEndpoints(
      source: source, destination: destination, sourcePort: 40_000, destinationPort: port,
      transport: transport)
    return LabelRequest(
      sample: sample, flow: ends, features: features, facts: ["bytes": 1e9], prediction: 1, margin: 0.5)
  }

  /// Bytes are refused with places that they have, or say the same when they are written again; rules that
  /// fit the schema give each request one label that there is. nil, or what was violated.
  package static func violation(_ bytes: [UInt8]) -> String? {
    let text = String(decoding: bytes, as: UTF8.self)
    let parser = RuleParser(text)
    if let violation = faults(parser.faults, of: text) { return violation }
    guard parser.faults.isEmpty else { return nil }
    let lines = parser.lists.map(\.description) + parser.rules.map(\.description)
    let again = RuleParser(lines.joined(separator: "\n"))
    guard again.faults.isEmpty else { return "what was written is refused: \(again.faults)" }
    guard again.rules == parser.rules, again.lists == parser.lists else {
      return "what was written says something else: \(lines)"
    }
    return agent(text)
  }

  private static func faults(_ faults: [RuleFault], of text: String) -> String? {
    let lines = text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false)
    for fault in faults {
      let place = fault.place
      guard (1...max(lines.count, 1)).contains(place.line) else { return "\(fault) is of no line" }
      let characters = lines[place.line - 1].count { $0 & 0xc0 != 0x80 }
      guard (1...characters + 1).contains(place.column) else { return "\(fault) is of no column" }
    }
    return faults.count <= RuleLimit.faults ? nil : "\(faults.count) faults are told"
  }

  private static func agent(_ text: String) -> String? {
    let program: RuleProgram
    do {
      program = try RuleProgram(text, named: "rules", schema: schema)
    } catch {
      return error.code == .malformed ? nil : "the error has the code \(error.code)"
    }
    let agent = RuleAgent(program) { _ in }
    let labels = agent.label(requests)
    guard labels.map(\.sample) == requests.map(\.sample) else { return "a request has no label" }
    for label in labels where label.confidence <= 0 || label.confidence > 1 {
      return "a confidence is \(label.confidence)"
    }
    return labels.allSatisfy { schema.classes.indices.contains($0.label ?? 0) } ? nil : "a class is none"
  }
}
