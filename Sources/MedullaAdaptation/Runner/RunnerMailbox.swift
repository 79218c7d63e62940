import Dispatch
import MedullaBase
import Synchronization

/// What reaches the collector's thread from others, and wakes it.
final class RunnerMailbox: Sendable {
  struct Mail: Sendable {
    var answers: [Learner.Answer] = []
    var commands: [RunnerCommand] = []
    /// The newest value from outside; older ones say nothing any longer.
    var proxy: Double?
    var isStopping = false
  }

  private let mail = Mutex(Mail())
  private let wake = DispatchSemaphore(value: 0)

  /// Commands that wait at the most; a person can give no more in one interval.
  static let commandLimit = 64

  /// The learner has one job at a time, so at most one answer waits.
  func deliver(_ answer: Learner.Answer) {
    mail.withLock { $0.answers.append(answer) }
    wake.signal()
  }

  /// - Returns: false when too many commands wait.
  func deliver(_ command: RunnerCommand) -> Bool {
    let isTaken = mail.withLock { mail in
      guard mail.commands.count < Self.commandLimit else { return false }
      mail.commands.append(command)
      return true
    }
    if isTaken { wake.signal() }
    return isTaken
  }

  func deliver(proxy: Double) {
    mail.withLock { $0.proxy = proxy }
    wake.signal()
  }

  func stop() {
    mail.withLock { $0.isStopping = true }
    wake.signal()
  }

  /// All mail, as soon as there is some or `time` has come.
  func take(until time: Duration) -> Mail {
    let left = time - MonotonicClock.now
    if left > .zero { _ = wake.wait(timeout: .now() + left.seconds) }
    return mail.withLock { mail in
      defer { mail = Mail(isStopping: mail.isStopping) }
      return mail
    }
  }
}
