/// What user-space inference did in a window of time.
package struct UserSpaceStatistics: Codable, Equatable, Sendable {
  /// Acknowledgements that came to flows of this congestion control.
  package var acknowledgements: Int
  /// Reports that went up.
  package var reports: Int
  /// Reports for which the ring had no room, because the user process was behind.
  package var droppedReports: Int
  /// Times that the controller had a decision for the network; in the kernel each would be one inference.
  package var decisionsDue: Int
  /// Answers that flows acted on.
  package var decisions: Int
  /// Flows for which there was no room.
  package var unservedFlows: Int
  /// What the user process says.
  package var agent: Agent

  /// The user process's part.
  package struct Agent: Codable, Equatable, Sendable {
    /// Reports that were inferred from and answered.
    package var answers: Int
    /// Times that it found reports after waiting.
    package var wakeups: Int
    /// Of the window.
    package var seconds: Double
    /// Processor time.
    package var userSeconds: Double
    package var systemSeconds: Double
    /// From the clock reading in the report to the answer's write.
    package var meanNanoseconds: Double
    package var medianNanoseconds: Int
    package var percentile90Nanoseconds: Int
    package var percentile99Nanoseconds: Int
    package var percentile999Nanoseconds: Int
    package var maximumNanoseconds: Int

    /// Share of one processor.
    package var processorShare: Double { seconds > 0 ? (userSeconds + systemSeconds) / seconds : 0 }

    enum CodingKeys: String, CodingKey {
      case answers, wakeups, seconds
      case userSeconds = "user_seconds"
      case systemSeconds = "system_seconds"
      case meanNanoseconds = "mean_ns"
      case medianNanoseconds = "p50_ns"
      case percentile90Nanoseconds = "p90_ns"
      case percentile99Nanoseconds = "p99_ns"
      case percentile999Nanoseconds = "p999_ns"
      case maximumNanoseconds = "max_ns"
    }
  }

  /// - Parameters:
  ///   - counts: each processor's, now.
  ///   - before: their sums at the window's begin.
  init(_ counts: [UserSpaceLayout.Counts], since before: UserSpaceLayout.Counts, agent: Agent) {
    let now = counts.reduce(UserSpaceLayout.Counts(), +)
    acknowledgements = Int(clamping: now.acknowledgements &- before.acknowledgements)
    reports = Int(clamping: now.reports &- before.reports)
    droppedReports = Int(clamping: now.dropped &- before.dropped)
    decisionsDue = Int(clamping: now.due &- before.due)
    decisions = Int(clamping: now.decisions &- before.decisions)
    unservedFlows = Int(clamping: now.unserved &- before.unserved)
    self.agent = agent
  }
}

extension UserSpaceLayout.Counts {
  static func + (left: Self, right: Self) -> Self {
    Self(
      acknowledgements: left.acknowledgements &+ right.acknowledgements,
      reports: left.reports &+ right.reports, dropped: left.dropped &+ right.dropped,
      due: left.due &+ right.due, decisions: left.decisions &+ right.decisions,
      unserved: left.unserved &+ right.unserved)
  }
}
