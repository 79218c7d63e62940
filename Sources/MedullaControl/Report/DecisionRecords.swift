import Foundation
import MedullaBase
import MedullaSnapshot

/// A function's recorded decisions, with the snapshots that made them.
package struct DecisionRecords {
  package let function: String
  /// Of the last decisions, that an error names as examples.
  private static let namedFlows = 5
  /// As `RecordedDecision.flowText` begins where it has nothing but a number.
  private static let numberPrefix = "flow "
  private let archive: HistoryArchive
  private let kept: [KeptSnapshot]

  /// - Parameter function: nil: the only one that has decisions.
  /// - Throws: `unknownFunction` with those that have, `history`.
  package init(_ archive: HistoryArchive, function: String?) throws(ControlError) {
    let names = try archive.functionsWithDecisions()
    let list = names.isEmpty ? "none has" : names.joined(separator: ", ")
    if let function {
      guard names.contains(function) else {
        throw ControlError(
          .unknownFunction, "no decision of \(function) is recorded in \(archive.path)",
          remedy: "those of: \(list); `decisions` of the daemon's configuration says how many are kept")
      }
      self.function = function
    } else {
      guard let only = names.first, names.count == 1 else {
        throw ControlError(
          .badParameter, "\(archive.path) has decisions of \(names.count) functions",
          remedy: "say which with --function: \(list)")
      }
      self.function = only
    }
    self.archive = archive
    kept = try archive.snapshots(function: self.function)
  }

  /// The newest decision of a flow.
  ///
  /// - Parameter flow: its number in the instance, or a part of what `RecordedDecision.flowText` says.
  package func last(of flow: String) throws(ControlError) -> RecordedDecision {
    let text = flow.hasPrefix(Self.numberPrefix) ? String(flow.dropFirst(Self.numberPrefix.count)) : flow
    let found: RecordedDecision? =
      if let number = UInt64(text) {
        try archive.decisions(DecisionQuery(function: function, flow: number, limit: 1)).last
      } else {
        try all().last { $0.flowText.contains(flow) }
      }
    guard let found else {
      let known = try all().suffix(Self.namedFlows)
      let list = Set(known.map { $0.flowText }).sorted().joined(separator: ", ")
      throw ControlError(
        .badParameter, "no decision about \(flow) is recorded of \(function)",
        remedy:
          "only sampled decisions are kept, the last of them; give a flow's number or a part of how it is "
          + "named, such as \(list)")
    }
    return found
  }

  /// Oldest first.
  package func all() throws(ControlError) -> [RecordedDecision] {
    try archive.decisions(DecisionQuery(function: function))
  }

  /// The snapshot that made a decision: of those that were kept under its version the one that gives its
  /// outputs again.
  ///
  /// - Throws: `history` when it was not kept.
  package func snapshot(of decision: RecordedDecision) throws(ControlError) -> SnapshotFile {
    for kept in kept.reversed() where kept.version == decision.version {
      guard let file = try? SnapshotFile(path: kept.path),
        file.snapshot.shape.inputs == decision.features.count
      else { continue }
      if ReferenceInterpreter(file.snapshot).run(features: decision.features) == decision.outputs {
        return file
      }
    }
    throw ControlError(
      .history, "snapshot \(decision.version) of \(function), which decided, was not kept",
      remedy: "name its bundle with --model")
  }

  /// Which of the decisions another network would have made otherwise.
  ///
  /// - Parameters:
  ///   - margin: in the networks' units: below it a flow is unsure.
  ///   - name: of the other network, for errors.
  /// - Throws: `badParameter` for a network of other features than were recorded.
  package func changes(
    by file: SnapshotFile, named name: String, margin: Double
  ) throws(ControlError) -> DecisionChanges {
    let shape = file.snapshot.shape
    let interpreter = ReferenceInterpreter(file.snapshot)
    let labels = shape.flows?.labels ?? []
    var labelsOf: [UInt64: [String]] = [:]
    var changes = DecisionChanges()
    for decision in try all() {
      guard decision.features.count == shape.inputs, decision.featureFractionBits == shape.featureFractionBits
      else {
        throw ControlError(
          .badParameter,
          "\(name) takes \(shape.inputs) features of \(shape.featureFractionBits) fraction bits; of "
            + "\(function) \(decision.features.count) of \(decision.featureFractionBits) are recorded",
          remedy: "a network of other features can be replayed on a capture only")
      }
      if labelsOf[decision.version] == nil {
        labelsOf[decision.version] = try labelsBefore(decision, shape, name)
      }
      let before = labelsOf[decision.version] ?? []
      changes.add(
        decision.flowText,
        DecisionChanges.Side(
          outputs: decision.outputs, fractionBits: decision.outputFractionBits, labels: before,
          leastMargin: margin),
        DecisionChanges.Side(
          outputs: interpreter.run(features: decision.features), fractionBits: shape.outputFractionBits,
          labels: labels, leastMargin: margin))
    }
    return changes
  }

  /// The labels of the snapshot that decided; where it was not kept, those of the other network, since
  /// classes of an instance do not change.
  private func labelsBefore(
    _ decision: RecordedDecision, _ shape: ProgramShape, _ name: String
  ) throws(ControlError) -> [String] {
    guard let before = try? snapshot(of: decision).snapshot.shape.flows else {
      return shape.flows?.labels ?? []
    }
    guard before.features == shape.flows?.features ?? [] else {
      throw ControlError(
        .badParameter, "\(name) takes other features than snapshot \(decision.version) of \(function)",
        remedy: "a network of other features can be replayed on a capture only")
    }
    return before.labels
  }
}
