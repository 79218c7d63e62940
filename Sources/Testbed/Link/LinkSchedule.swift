/// How a link changes while it runs: each step's configuration holds from its time on.
package struct LinkSchedule: Sendable {
  /// In seconds since the link's start.
  package typealias Step = (time: Double, link: LinkConfiguration)

  private var steps: [Step]

  /// - Throws: `badParameter` when the times do not rise or a link cannot be emulated.
  package init(_ steps: [Step]) throws {
    guard steps.allSatisfy({ $0.time.isFinite && $0.time >= 0 }),
      zip(steps, steps.dropFirst()).allSatisfy({ $0.time < $1.time })
    else {
      throw TestbedError(
        .badParameter, "The changes of a link are not in the order of their times.",
        remedy: "Give each a later time than the one before.")
    }
    for step in steps { try step.link.validate() }
    self.steps = steps
  }

  /// What is due after `seconds`: removes it and gives the last of it, as only that one still matters.
  package mutating func takeDue(_ seconds: Double) -> LinkConfiguration? {
    let due = steps.prefix { $0.time <= seconds }
    steps.removeFirst(due.count)
    return due.last?.link
  }
}
