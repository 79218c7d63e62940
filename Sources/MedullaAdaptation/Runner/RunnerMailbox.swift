import MedullaBase

/// What reaches the collector's thread from others, and wakes it.
final class RunnerMailbox: @unchecked Sendable {
  struct Mail: Sendable {
    var answers: [Learner.Answer] = []
    var reports: [ActionCarrier.Report] = []
    var commands: [(command: RunnerCommand, reply: CommandReply)] = []
    var labels: [(label: GivenLabel, reply: CommandReply)] = []
    /// The newest value from outside; older ones say nothing any longer.
    var proxy: Double?
    var isStopping = false
  }

  private var mail = Mail()
  private var isNew = false
  private let condition = MonotonicCondition()

  /// Commands that wait at the most; a person can give no more in one interval.
  static let commandLimit = 64

  /// The learner has one job at a time, so at most one answer waits.
  func deliver(_ answer: Learner.Answer) { put { $0.answers.append(answer) } }

  /// Each is the answer to one job, of which few wait.
  func deliver(_ report: ActionCarrier.Report) { put { $0.reports.append(report) } }

  /// - Returns: where the answer arrives; nil when too many commands wait.
  func deliver(_ command: RunnerCommand) -> CommandReply? {
    let reply = CommandReply()
    return put { mail in
      guard mail.commands.count < Self.commandLimit else { return nil }
      mail.commands.append((command, reply))
      return reply
    }
  }

  /// - Returns: where the answer arrives; nil when too many labels wait.
  func deliver(_ label: GivenLabel) -> CommandReply? {
    let reply = CommandReply()
    return put { mail in
      guard mail.labels.count < Self.commandLimit else { return nil }
      mail.labels.append((label, reply))
      return reply
    }
  }

  func deliver(proxy: Double) { put { $0.proxy = proxy } }

  func stop() { put { $0.isStopping = true } }

  private func put<Value>(_ body: (inout Mail) -> Value) -> Value {
    condition.withLock {
      defer {
        isNew = true
        condition.signal()
      }
      return body(&mail)
    }
  }

  /// All mail, as soon as there is some or `time` of the monotonic clock has come.
  func take(until time: Duration) -> Mail {
    condition.withLock {
      while !isNew, condition.wait(for: time - MonotonicClock.now) {}
      defer { (mail, isNew) = (Mail(isStopping: mail.isStopping), false) }
      return mail
    }
  }
}
