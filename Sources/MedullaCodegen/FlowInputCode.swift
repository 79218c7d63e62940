import MedullaSnapshot

/// The C that says which features of flows a shape's inputs are.
struct FlowInputCode {
  /// `MEDULLA_FLOW_INPUTS(INPUT)` is `INPUT(place, scale, name)` of each; labels are in a comment, so that
  /// programs of other classes are others.
  let lines: [String]

  init(_ flows: FlowInterface) {
    let labels = flows.labels.isEmpty ? [] : ["/* Outputs: \(flows.labels.joined(separator: ", ")) */"]
    let inputs = flows.features.enumerated().map { "\tINPUT(\($0), \($1.scale.rawValue), \($1.name))" }
    lines =
      labels + ["#define MEDULLA_FLOW_INPUTS(INPUT) \\", inputs.joined(separator: " \\\n")] + [""]
  }
}
