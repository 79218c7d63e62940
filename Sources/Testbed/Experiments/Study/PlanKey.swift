import TestbedLink

/// One entry of a study's plan: its name, what it is unless it is changed, what it may be, and what it has to
/// be for a verdict.
package protocol PlanKey: Sendable {
  /// In the result file; on the command line with hyphens.
  var name: String { get }
  /// One line for the command's help.
  var help: String { get }
  var standardValue: PlanValue { get }
  /// Whether a trial can be made with it.
  func accepts(_ value: PlanValue) -> Bool
  /// What it may be, for a refusal.
  var permitted: String { get }
  /// Whether a plan with the value is still the whole study.
  func covers(_ value: PlanValue) -> Bool
}

/// A parameter that varies within a study: its cells are combinations of the axes' values.
package struct Axis<Value: PlanKind>: PlanKey {
  package let name: String
  /// The name of one value, in a cell.
  package let part: String
  package let help: String
  package private(set) var standard: [Value]
  private let range: ClosedRange<Double>
  private var titleOf: @Sendable (Value) -> String
  private let mayBeEmpty: Bool

  /// - Parameters:
  ///   - name: of all values, in the plan.
  ///   - part: of one value, in a cell.
  ///   - range: of each value that is a number.
  ///   - suffix: what follows a value in a title, such as ` flows`.
  package init(
    _ name: String, _ part: String, _ standard: [Value], in range: ClosedRange<Double> = 0...1e12,
    suffix: String = "", mayBeEmpty: Bool = false, _ help: String = ""
  ) {
    (self.name, self.part, self.standard, self.range) = (name, part, standard, range)
    (self.mayBeEmpty, self.help, titleOf) = (mayBeEmpty, help, { $0.label + suffix })
  }

  /// The same axis with other values, for another study.
  package func with(_ standard: [Value]) -> Axis {
    var copy = self
    copy.standard = standard
    return copy
  }

  package var standardValue: PlanValue { standard.planValue }

  package func accepts(_ value: PlanValue) -> Bool {
    guard let values = [Value](plan: value), mayBeEmpty || !values.isEmpty, Set(values).count == values.count
    else { return false }
    return values.allSatisfy { value in Double(plan: value.planValue).map(range.contains) ?? true }
  }

  package var permitted: String {
    Value.self == Int.self || Value.self == Double.self
      ? "different numbers from \(short(range.lowerBound)) to \(short(range.upperBound))"
      : "different names"
  }

  package func covers(_ value: PlanValue) -> Bool {
    let values = Set([Value](plan: value) ?? [])
    return standard.allSatisfy(values.contains)
  }

  /// The same axis with other titles of its values.
  package func titled(_ title: @escaping @Sendable (Value) -> String) -> Axis {
    var copy = self
    copy.titleOf = title
    return copy
  }

  func title(_ value: Value) -> String { titleOf(value) }

  /// The cells whose value on this axis it is.
  package func callAsFunction(_ value: Value) -> Match { Match(part: part, value: value.planValue) }
}

extension Axis where Value == SteeringScheme {
  /// The cells of the scheme of a name.
  package func callAsFunction(_ name: String) -> Match { Match(part: part, value: .text(name)) }
}

/// A parameter that is the same in all cells of a study.
package struct Setting<Value: PlanKind>: PlanKey {
  /// What the value has to be in a study that has a verdict.
  package enum Need: Sendable {
    case same
    case atLeast
    case atMost
    case anything
  }

  package let name: String
  package let help: String
  package private(set) var standard: Value
  private let need: Need
  private let range: ClosedRange<Double>

  package init(
    _ name: String, _ standard: Value, _ need: Need = .same, in range: ClosedRange<Double> = 0...1e12,
    _ help: String = ""
  ) {
    (self.name, self.standard, self.need, self.range, self.help) = (name, standard, need, range, help)
  }

  package func with(_ standard: Value) -> Setting {
    var copy = self
    copy.standard = standard
    return copy
  }

  package var standardValue: PlanValue { standard.planValue }

  package func accepts(_ value: PlanValue) -> Bool {
    guard let own = Value(plan: value) else { return false }
    return Double(plan: own.planValue).map(range.contains) ?? true
  }

  package var permitted: String {
    switch standardValue {
    case .number: "a number from \(short(range.lowerBound)) to \(short(range.upperBound))"
    case .text: "a text"
    case .flag: "true or false"
    case .list: "a list"
    }
  }

  package func covers(_ value: PlanValue) -> Bool {
    guard let own = Double(plan: value), let least = Double(plan: standardValue) else {
      return need == .anything || value == standardValue
    }
    return switch need {
    case .same: own == least
    case .atLeast: own >= least
    case .atMost: own <= least
    case .anything: true
    }
  }
}

/// What most studies have.
package enum Common {
  package static let repeats = Setting("repeats", 3, .atLeast, in: 1...100, "Runs of each cell.")
  package static let seed = Setting("seed", 1, .anything, in: 0...9e15, "Seed of everything that is drawn.")
  package static let seconds = Setting(
    "seconds", 10, .anything, in: 2...3600, "Seconds of one run, warm-up included.")
  package static let warmUp = Setting(
    "warm_up", 2, .atLeast, in: 0...3599, "Seconds at a run's start that do not count.")
  package static let schemes = Axis(
    "schemes", "scheme", SteeringScheme.list("medulla", "cubic"),
    "Who sets the flows' rate, by names with commas between them.")
  package static let rateMbps = Setting("rate_mbps", 100.0, in: 0.01...100_000, "The link's rate.")
  package static let rttMs = Setting("rtt_ms", 20.0, in: 0...20_000, "The path's round trip.")
  package static let bufferBdp = Setting(
    "buffer_bdp", 1.0, in: 0.01...1000, "The buffer in bandwidth-delay products.")
}
