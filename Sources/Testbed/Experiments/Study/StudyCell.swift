/// One combination of values of a study's axes.
package struct StudyCell: Hashable, Sendable {
  private struct Part: Hashable, Sendable {
    var name: String
    var value: PlanValue
    var title: String
  }

  private var parts: [Part] = []

  package init() {}

  /// The cell with one value more.
  package func with<Value>(_ axis: Axis<Value>, _ value: Value) -> StudyCell {
    var cell = self
    cell.parts.removeAll { $0.name == axis.part }
    cell.parts.append(Part(name: axis.part, value: value.planValue, title: axis.title(value)))
    return cell
  }

  package subscript<Value>(axis: Axis<Value>) -> Value {
    guard let value = self[axis.part].flatMap({ Value(plan: $0) }) else {
      preconditionFailure("the cell has no `\(axis.part)`")
    }
    return value
  }

  package subscript(part: String) -> PlanValue? { parts.first { $0.name == part }?.value }

  /// One value's title; empty without one.
  func title(of part: String) -> String { parts.first { $0.name == part }?.title ?? "" }

  /// `in kernel, 4 flows`; values without a title are left out.
  package var title: String { parts.map(\.title).filter { !$0.isEmpty }.joined(separator: ", ") }

  /// The title without some parts.
  func title(without left: Set<String>) -> String {
    parts.filter { !left.contains($0.name) && !$0.title.isEmpty }.map(\.title).joined(separator: ", ")
  }

  /// What cells with the same parts, and maybe others, have in common.
  var matches: [Match] { parts.map { Match(part: $0.name, value: $0.value) } }

  package func fits(_ matches: [Match]) -> Bool { matches.allSatisfy { self[$0.part] == $0.value } }

  /// The same cell without some parts: what is left is what its rivals have in common.
  func without(_ left: Set<String>) -> StudyCell {
    var cell = self
    cell.parts.removeAll { left.contains($0.name) }
    return cell
  }
}

extension StudyCell: Encodable {
  /// By the parts' names, as a result file has them.
  var values: [String: PlanValue] {
    Dictionary(parts.map { ($0.name, $0.value) }) { first, _ in first }
  }

  package func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }
}

extension [StudyCell] {
  /// Every cell with every value of one axis more; the first axis varies slowest.
  package func times<Value>(_ axis: Axis<Value>, _ plan: StudyPlan) -> [StudyCell] {
    flatMap { cell in plan[axis].map { cell.with(axis, $0) } }
  }

  package static let one = [StudyCell()]
}

/// Cells by one value of theirs: `schemes("medulla")`, `flows(4)`.
package struct Match: Hashable, Sendable {
  let part: String
  let value: PlanValue
}
