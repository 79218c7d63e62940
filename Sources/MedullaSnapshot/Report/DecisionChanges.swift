/// Which decisions of one network another one would have made otherwise. Exact, since both are integers.
package struct DecisionChanges: Sendable, Codable, Equatable {
  /// Decisions that went from one class to another, or between a class and being unsure.
  package struct Transition: Sendable, Codable, Hashable {
    package let from: String
    package let to: String
    package var count: Int
  }

  /// One decision that would have been another.
  package struct Change: Sendable, Codable, Equatable {
    /// As whoever asks names it.
    package let flow: String
    package let from: String
    package let to: String
    /// In the network's units.
    package let marginBefore: Double
    package let marginAfter: Double

    enum CodingKeys: String, CodingKey {
      case flow, from, to
      case marginBefore = "margin_before"
      case marginAfter = "margin_after"
    }
  }

  package private(set) var decisions = 0
  /// Of other classes; nil: outputs are of no classes, and whether a decision is another cannot be told.
  package private(set) var changed: Int?
  /// With other outputs, whatever they mean.
  package private(set) var outputsChanged = 0
  /// The most frequent first.
  package private(set) var transitions: [Transition] = []
  /// In the order of the decisions; at most `changeLimit`.
  package private(set) var changes: [Change] = []

  package static let changeLimit = 1_000
  package static let unsure = "unsure"

  enum CodingKeys: String, CodingKey {
    case decisions, changed, transitions, changes
    case outputsChanged = "outputs_changed"
  }

  package init() {}

  /// What one network says of a decision.
  package struct Side: Sendable {
    package let outputs: [Int64]
    package let fractionBits: Int
    package let labels: [String]
    /// In the network's units: with less the network is unsure.
    package let leastMargin: Double

    /// - Parameter labels: none: outputs are no classes, and no decision has one.
    package init(outputs: [Int64], fractionBits: Int, labels: [String], leastMargin: Double = 0) {
      self.outputs = outputs
      self.fractionBits = fractionBits
      self.labels = labels
      self.leastMargin = leastMargin
    }

    fileprivate var margin: Double {
      Double(ClassAnswer(outputs).margin) * Double(sign: .plus, exponent: -fractionBits, significand: 1)
    }

    fileprivate var label: String? {
      let row = ClassAnswer(outputs).row
      guard labels.indices.contains(row) else { return nil }
      return margin < leastMargin ? DecisionChanges.unsure : labels[row]
    }
  }

  package mutating func add(_ flow: @autoclosure () -> String, _ before: Side, _ after: Side) {
    decisions += 1
    if before.outputs != after.outputs || before.fractionBits != after.fractionBits { outputsChanged += 1 }
    guard let from = before.label, let to = after.label else { return }
    changed = (changed ?? 0) + (from == to ? 0 : 1)
    guard from != to else { return }
    if let index = transitions.firstIndex(where: { $0.from == from && $0.to == to }) {
      transitions[index].count += 1
    } else {
      transitions.append(Transition(from: from, to: to, count: 1))
    }
    transitions.sort { ($1.count, $0.from, $0.to) < ($0.count, $1.from, $1.to) }
    guard changes.count < Self.changeLimit else { return }
    changes.append(
      Change(flow: flow(), from: from, to: to, marginBefore: before.margin, marginAfter: after.margin))
  }
}
