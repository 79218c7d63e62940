import CMedullaABI

/// What a network says of a flow, q16.
package struct SteeringOutputs: Sendable, Equatable, ExpressibleByIntegerLiteral {
  /// By how much the rate shall change.
  package var action: Int64
  /// Above 0 where others fill the queue who do not give way; `none` of a network of one output.
  package var verdict: Int64

  package init(action: Int64, verdict: Int64 = none) {
    self.action = action
    self.verdict = verdict
  }

  /// What a network gave: the action and, where there are two, the verdict.
  package init(_ outputs: [Int64]) {
    self.init(action: outputs.first ?? 0, verdict: outputs.count > 1 ? outputs[1] : Self.none)
  }

  package init(integerLiteral action: Int64) { self.init(action: action) }

  package static let none = Int64(MCC_NO_VERDICT)
}
