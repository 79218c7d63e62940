import Dispatch
import Foundation
import Synchronization

/// The thread on which adapters are started. It never ends: the kernel ends a child with the thread that has
/// forked it (`PR_SET_PDEATHSIG`), and this one lives as long as the process.
final class SpawnThread: Sendable {
  static let shared = SpawnThread()

  private let jobs = Mutex<[@Sendable () -> Void]>([])
  private let wake = DispatchSemaphore(value: 0)

  private init() {
    let thread = Thread { [self] in
      while true {
        wake.wait()
        let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        job?()
      }
    }
    thread.name = "spawn"
    thread.start()
  }

  /// Runs `body` there and waits for what it gives.
  func run(_ body: @escaping @Sendable () -> pid_t) -> pid_t {
    let answer = Answer()
    jobs.withLock {
      $0.append {
        answer.value.withLock { $0 = body() }
        answer.isThere.signal()
      }
    }
    wake.signal()
    answer.isThere.wait()
    return answer.value.withLock { $0 }
  }

  private final class Answer: Sendable {
    let value = Mutex<pid_t>(0)
    let isThere = DispatchSemaphore(value: 0)
  }
}
