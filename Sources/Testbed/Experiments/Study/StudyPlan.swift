import Foundation
import MedullaBase
import TestbedLink

/// The values of a study's keys for one performance of it.
package struct StudyPlan: Equatable, Sendable {
  private var values: [String: PlanValue]

  /// The whole study.
  init(_ keys: [any PlanKey]) {
    values = Dictionary(keys.map { ($0.name, $0.standardValue) }) { first, _ in first }
  }

  package subscript(name: String) -> PlanValue? {
    get { values[name] }
    set { values[name] = newValue }
  }

  package subscript<Value>(axis: Axis<Value>) -> [Value] {
    get { read(axis.name) }
    set { values[axis.name] = newValue.planValue }
  }

  package subscript<Value>(setting: Setting<Value>) -> Value {
    get { read(setting.name) }
    set { values[setting.name] = newValue.planValue }
  }

  private func read<Value: PlanKind>(_ name: String) -> Value {
    guard let value = values[name].flatMap({ Value(plan: $0) }) else {
      preconditionFailure("the study does not declare `\(name)`, or as something else")
    }
    return value
  }

  package var names: [String] { values.keys.sorted() }
  package var repeats: Int { self[Common.repeats] }
  package var seed: UInt64 { UInt64(clamping: self[Common.seed]) }
  /// Draws of one round, the same for all cells.
  package func seed(round: Int) -> UInt64 { seed &+ UInt64(clamping: round) }
  package var seconds: Int { self[Common.seconds] }
  package var warmUp: Int { self[Common.warmUp] }

  /// The link of the common settings.
  var cell: LinkCell {
    LinkCell(
      rateMbps: self[Common.rateMbps], rttMilliseconds: self[Common.rttMs],
      bufferBdp: self[Common.bufferBdp])
  }
}

extension StudyPlan: Encodable {
  package func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }
}

extension Study {
  /// The whole study.
  package var plan: StudyPlan { StudyPlan(keys) }

  /// A short form that shows how it goes; it has no verdict.
  package var quickPlan: StudyPlan {
    var plan = plan
    quick(&plan)
    return plan
  }

  /// Whether a plan covers the whole study, so that there is a verdict.
  package func isComplete(_ plan: StudyPlan) -> Bool {
    let covered = keys.allSatisfy { key in plan[key.name].map(key.covers) ?? false }
    return covered && measuredSeconds(plan) >= measuredSeconds(self.plan) && whole(plan)
  }

  private func measuredSeconds(_ plan: StudyPlan) -> Double {
    let seconds = plan[Common.seconds.name].flatMap { Double(plan: $0) } ?? 0
    return seconds - (plan[Common.warmUp.name].flatMap { Double(plan: $0) } ?? 0)
  }

  /// Throws `badParameter` for a plan that cannot be run.
  package func validate(_ plan: StudyPlan) throws {
    for key in keys where !(plan[key.name].map(key.accepts) ?? false) {
      throw TestbedError(
        .badParameter, "`\(key.name)` cannot be `\(plan[key.name]?.text ?? "")` in \(name).",
        remedy: "Use \(key.permitted).")
    }
    if plan[Common.seconds.name] != nil, plan[Common.warmUp.name] != nil, plan[Common.seconds] > 0 {
      try Self.require(
        plan.warmUp < plan.seconds, "The warm-up leaves nothing to measure.",
        remedy: "Use a warm-up shorter than the run.")
    }
    try Self.require(
      !cells(plan).isEmpty, "The plan of \(name) has no cell.", remedy: "Give each axis a value.")
    try check(plan)
  }

  /// Throws `badParameter` with a reason unless a condition holds.
  static func require(_ condition: Bool, _ message: String, remedy: String) throws {
    guard condition else { throw TestbedError(.badParameter, message, remedy: remedy) }
  }

  /// Runs that a plan leads to.
  package func runCount(_ plan: StudyPlan) -> Int {
    if case .whole(let count, _) = course { return count(plan) }
    return cells(plan).count * plan.repeats
  }

  /// The plan with some of its values replaced.
  ///
  /// - Parameter settings: `name=VALUE`; the value is JSON, or words with commas between them.
  package func replacing(_ settings: [String], in plan: StudyPlan) throws -> StudyPlan {
    var plan = plan
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let key = keys.first(where: { $0.name == parts[0] }) else {
        throw TestbedError(
          .badParameter, "`\(setting)` sets nothing of the plan.",
          remedy: "Write KEY=VALUE with a key of \(plan.names.joined(separator: ", ")).")
      }
      plan[key.name] = try Self.value(parts[1], for: key, in: name)
    }
    return plan
  }

  private static func value(_ text: String, for key: any PlanKey, in study: String) throws -> PlanValue {
    let parsed =
      (try? JSONDecoder().decode(PlanValue.self, from: Data(text.utf8)))
      ?? .list(text.split(separator: ",").map { PlanValue(word: String($0)) })
    let value: PlanValue =
      switch (parsed, key.standardValue) {
      case (.list(let values), .text) where values.count <= 1: .text(text)
      case (.list, .text): .text(text)
      case (.list, .list): parsed
      case (_, .list): .list([parsed])
      default: parsed
      }
    guard key.accepts(value) else {
      throw TestbedError(
        .badParameter, "`\(key.name)` cannot be `\(text)` in \(study).", remedy: "Use \(key.permitted).")
    }
    return value
  }
}
