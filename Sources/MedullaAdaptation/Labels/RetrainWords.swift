import MedullaBase
import MedullaRetraining

/// Why a network is trained anew, in words with their numbers.
struct RetrainWords {
  /// Names of the network's inputs, in their order.
  let features: [String]

  func text(_ reasons: [RetrainReason]) -> String { reasons.map(text).joined(separator: ", and ") }

  private func text(_ reason: RetrainReason) -> String {
    switch reason {
    case .drift(let feature, let distance, let limit):
      let name = features.indices.contains(feature) ? features[feature] : "input \(feature)"
      return "\(name) has moved: its distribution by \(number(distance)), where chance hardly exceeds "
        + number(limit)
    case .accuracy(let high, let level):
      return "the accuracy proxy is at most \(number(high)), and \(number(level)) was accepted"
    case .baseline(let high, let level):
      return "the accuracy proxy is at most \(number(high)), and the frozen baseline has \(number(level))"
    case .disagreement(let sum, let alarm):
      return "labels keep differing from the answers: their sum is \(number(sum)), the alarm \(number(alarm))"
    case .followUp(let disagreement):
      return "after the last training \(number(100 * disagreement))% of the labels still differ"
    case .schedule: return "it is scheduled"
    case .everyWindow: return "it is done with every window"
    }
  }

  /// Why what was trained is not taken into use.
  func text(_ refusal: OnlineClassifier.Refusal) -> String {
    switch refusal {
    case .worse(let what, let before, let after):
      let rows = what == .memory ? "the memory of the past" : "labels that were held out"
      return
        "it would be worse on \(rows) (mean recall \(number(before)) before, \(number(after)) after), so "
        + "its newest labels are set aside"
    case .gate(let gate):
      return "the gate \(gate.name) is shut: \(number(gate.value)), limit \(number(gate.limit))"
    case .unproven: return "no bound on its weights gives integers that are proven"
    }
  }

  private func number(_ value: Double) -> String { NumberText.short(value) }
}
