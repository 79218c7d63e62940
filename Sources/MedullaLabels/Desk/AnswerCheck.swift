/// Holds an agent's answer to what the protocol says, before anybody counts on it.
enum AnswerCheck {
  /// Labels of flows that were asked about earlier, in one answer.
  static let lateLimit = 65_536

  struct Result: Equatable {
    var labels: [Label] = []
    var malformed = 0
    /// What is wrong with it, for people; nil: nothing.
    var complaint: String?
  }

  /// - Parameters:
  ///   - asked: how many flows the call was about.
  ///   - classes: that labels may name.
  static func check(_ answer: [Label], asked: Int, agent: String, classes: Int) -> Result {
    guard answer.count <= asked + lateLimit else {
      return Result(
        malformed: answer.count, complaint: "\(answer.count) labels in answer to \(asked) flows")
    }
    var result = Result()
    for label in answer {
      if let complaint = complaint(label, agent: agent, classes: classes) {
        result.malformed += 1
        if result.complaint == nil { result.complaint = complaint }
      } else {
        result.labels.append(label)
      }
    }
    return result
  }

  private static func complaint(_ label: Label, agent: String, classes: Int) -> String? {
    if label.agent != agent { return "a label in the name of \(label.agent.prefix(64))" }
    if let place = label.label, !(0..<classes).contains(place) {
      return "a label for class \(place); there are \(classes)"
    }
    if !(label.confidence >= 0 && label.confidence <= 1) { return "a confidence of \(label.confidence)" }
    if !(label.cost.isFinite && label.cost >= 0) { return "a cost of \(label.cost)" }
    return nil
  }
}
