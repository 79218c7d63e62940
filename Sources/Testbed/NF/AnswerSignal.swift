import Foundation
import MedullaBase
import MedullaNF
import MedullaNFFunctions

/// Tells who waits for answers about objects or files of each as it comes.
package final class AnswerSignal<Answer: Sendable>: AnswerSink, @unchecked Sendable {
  private let lock = NSLock()
  private var answers: [(answer: Answer, time: UInt64)] = []
  private let signal = DispatchSemaphore(value: 0)

  package init() {}

  package func take(
    _ answer: any Encodable & Sendable, to envelope: AnswerEnvelope?, by port: FunctionPort
  ) {
    let time = MonotonicClock.nanoseconds
    guard let answer = answer as? Answer else { return }
    lock.withLock { answers.append((answer, time)) }
    signal.signal()
  }

  /// The next answer and when it was given; nil: none came in time.
  package func next(within limit: Duration) -> (answer: Answer, time: UInt64)? {
    guard signal.wait(timeout: .now() + limit.inSeconds) == .success else { return nil }
    return lock.withLock { answers.removeFirst() }
  }
}
