import Foundation

/// The thread on which all of the fast path but its samples is handled: loading and the lock of
/// all instances may take seconds, during which the ring of samples must still be drained.
///
/// Jobs are done in the order in which they come, each answered by one report.
final class FastPathThread: @unchecked Sendable {
  private let carrier: ActionCarrier
  private let report: @Sendable (ActionCarrier.Report) -> Void
  private let condition = NSCondition()
  private var jobs: [ActionCarrier.Job] = []
  private var isStopping = false
  private var isRunning = false
  private let ended = DispatchSemaphore(value: 0)

  /// Jobs behind which no look at the version waits: another is due soon. Every other job is waited for.
  static let jobLimit = 64

  /// - Parameter report: called on this thread, once for each job.
  init(_ carrier: ActionCarrier, report: @escaping @Sendable (ActionCarrier.Report) -> Void) {
    self.carrier = carrier
    self.report = report
  }

  func start(name: String) {
    condition.withLock { isRunning = true }
    let thread = Thread { [self] in
      while let job = next() { report(carrier.perform(job)) }
      ended.signal()
    }
    thread.name = "carry-\(name)"
    thread.stackSize = 8 << 20
    thread.start()
  }

  func post(_ job: ActionCarrier.Job) {
    condition.withLock {
      if case .askVersion = job, jobs.count >= Self.jobLimit { return }
      jobs.append(job)
      condition.signal()
    }
  }

  /// Ends the thread after the job that it is at, and then gives up what is staged if `clears`.
  ///
  /// - Returns: false when the job outlasts `grace`; the thread then ends by itself when the job does.
  @discardableResult
  func stop(grace: Duration, clears: Bool) -> Bool {
    let wasRunning = condition.withLock {
      isStopping = true
      jobs = []
      condition.signal()
      return isRunning
    }
    guard wasRunning, ended.wait(timeout: .now() + grace.seconds) == .success else { return false }
    if clears { _ = carrier.perform(.clear) }
    return true
  }

  private func next() -> ActionCarrier.Job? {
    condition.withLock {
      while jobs.isEmpty, !isStopping { condition.wait() }
      return isStopping ? nil : jobs.removeFirst()
    }
  }
}
