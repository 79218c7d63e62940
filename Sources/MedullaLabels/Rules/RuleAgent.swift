import MedullaBase

/// Labels flows by rules.
///
/// The first rule that holds says the class; where none does, the agent abstains. Lists that the rules name
/// are read again when their files have changed.
package final class RuleAgent: LabelingAgent {
  package let name: String
  package let program: RuleProgram
  /// Requests that each rule has decided, by its place.
  package private(set) var hits: [UInt64]
  /// Requests that did not have what their schema says that they have; of them the agent says nothing.
  package private(set) var incomplete: UInt64 = 0
  private let tell: (String) -> Void

  /// - Parameter tell: is told of lists that were read again, or could not be.
  package init(
    _ program: RuleProgram, named name: String = "rules",
    tell: @escaping (String) -> Void = Narration.tell
  ) {
    (self.name, self.program, self.tell) = (name, program, tell)
    hits = Array(repeating: 0, count: program.rules.count)
  }

  package func label(_ requests: [LabelRequest]) -> [Label] {
    for list in program.lists {
      if let news = list.refresh() { tell("\(name): \(news)") }
    }
    return requests.map(label)
  }

  private func label(_ request: LabelRequest) -> Label {
    let first: Int?
    do {
      first = try program.first(holdingOf: request)
    } catch {
      incomplete += 1
      first = nil
    }
    guard let place = first else { return Label(sample: request.sample, agent: name, label: nil) }
    hits[place] += 1
    let rule = program.rules[place]
    return Label(sample: request.sample, agent: name, label: rule.label, confidence: rule.confidence)
  }
}
