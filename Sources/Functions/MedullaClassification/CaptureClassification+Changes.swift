import MedullaFlows
import MedullaSnapshot

extension CaptureClassification {
  /// Which of this network's decisions another one would have made otherwise, of the same capture's flows at
  /// the same moment.
  ///
  /// - Parameter margin: in the networks' units: below it a flow is unsure.
  package func changes(by other: CaptureClassification, margin: Double) -> DecisionChanges {
    var changes = DecisionChanges()
    for (place, flow) in meter.flows.enumerated() {
      guard let before = decisions[place], let after = other.decisions[place] else { continue }
      changes.add(
        "\(flow.sourceAddress) \(flow.sourcePort) > \(flow.destinationAddress) \(flow.destinationPort)",
        side(before, margin), other.side(after, margin))
    }
    return changes
  }

  private func side(_ decision: Decision, _ margin: Double) -> DecisionChanges.Side {
    DecisionChanges.Side(
      outputs: decision.outputs, fractionBits: outputFractionBits, labels: labels, leastMargin: margin)
  }
}
