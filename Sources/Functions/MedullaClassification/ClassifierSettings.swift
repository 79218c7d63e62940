import CMedullaABI
import MedullaDatapath
import MedullaFlows

/// When flows are classified, and what follows.
package struct ClassifierSettings: Sendable, Equatable {
  package var moment = DecisionMoment.packet(10)
  /// Of the largest output before the next, in the network's units: below it a flow is unsure.
  package var margin = 0.0
  /// By label; others are counted.
  package var actions: [String: ClassifierAction] = [:]
  /// Of flows whose margin is too small.
  package var unsure = ClassifierAction.count
  /// Of flows that are not decided yet.
  package var pending = ClassifierAction.count

  package init() {}

  /// Names that stand beside labels, and so are none.
  static let unsureName = "unsure"
  static let pendingName = "pending"

  /// Takes `LABEL=ACTION` in, where LABEL may be `unsure` or `pending`.
  ///
  /// - Throws: `badConfiguration`.
  package mutating func add(_ rule: String) throws(DatapathError) {
    guard let equals = rule.firstIndex(of: "=") else {
      throw DatapathError(
        .badConfiguration, "\"\(rule)\" is no rule", remedy: "give LABEL=ACTION, such as attack=drop")
    }
    let (label, action) = (
      String(rule[..<equals]), try ClassifierAction(String(rule[rule.index(after: equals)...]))
    )
    switch label {
    case Self.unsureName: unsure = action
    case Self.pendingName: pending = action
    default: actions[label] = action
    }
  }

  /// All rules as `add` takes them, sorted.
  package var rules: [String] {
    actions.map { "\($0)=\($1)" }.sorted()
      + ["\(Self.unsureName)=\(unsure)", "\(Self.pendingName)=\(pending)"]
  }

  /// - Throws: `badConfiguration` for a label that the network has not, or a margin that no output has.
  func check(labels: [String]) throws(DatapathError) {
    for label in actions.keys.sorted() where !labels.contains(label) {
      throw DatapathError(
        .badConfiguration, "the network has no class \(label)",
        remedy: "it has: \(labels.joined(separator: ", "))")
    }
    guard margin >= 0, margin <= 1e6 else {
      throw DatapathError(.badConfiguration, "a margin of \(margin)", remedy: "give 0 to 1000000")
    }
  }

  /// As the kernel's programs read them.
  func words(
    labels: [String], at hook: FunctionHook, outputFractionBits: Int
  ) throws(DatapathError) -> classifier_settings {
    var settings = classifier_settings()
    settings.moment = moment.word
    settings.margin = Self.fixed(margin, bits: outputFractionBits)
    var rules = [classifier_rule](repeating: classifier_rule(), count: Int(CLASSIFIER_ROWS))
    for (row, label) in labels.enumerated() {
      rules[row] = try (actions[label] ?? .count).rule(at: hook)
    }
    rules[Int(CLASSIFIER_UNSURE)] = try unsure.rule(at: hook)
    rules[Int(CLASSIFIER_PENDING)] = try pending.rule(at: hook)
    withUnsafeMutableBytes(of: &settings.rules) { memory in
      rules.withUnsafeBytes { memory.copyMemory(from: $0) }
    }
    return settings
  }

  /// A margin in an output's fixed point.
  static func fixed(_ margin: Double, bits: Int) -> Int64 {
    Int64((margin * Double(Int64(1) << Int64(bits))).rounded())
  }
}
