import CHost
import Foundation
import MedullaBase
import Synchronization

/// How late this machine's own timers are while something is measured: a thread that does nothing but wait
/// for the next millisecond. What is later than it is not the machine's doing.
package final class TimerWitness: Sendable {
  private struct State {
    var lateness: [Int64] = []
    var isOver = false
  }

  private let state = Mutex(State())
  private let done = DispatchSemaphore(value: 0)

  package init() {
    Thread { [self] in
      _ = medulla_set_timer_slack(1)
      var unread: UInt8 = 0
      while !state.withLock(\.isOver) {
        let due = MonotonicClock.nanoseconds + 1_000_000
        _ = medulla_wait_readable(nil, &unread, 0, 1_000_000)
        let late = Int64(MonotonicClock.nanoseconds) - Int64(due)
        state.withLock { $0.lateness.append(late) }
      }
      done.signal()
    }.start()
  }

  /// Ends the waiting.
  ///
  /// - Returns: Nanoseconds that the timers were late: the median, and the share of waits that were later
  /// than
  ///   `limit`.
  package func stop(limit: UInt64) -> (median: Int64, lateShare: Double) {
    state.withLock { $0.isOver = true }
    done.wait()
    let all = state.withLock { $0.lateness.sorted() }
    guard !all.isEmpty else { return (0, 1) }
    return (all[all.count / 2], Double(all.count { $0 > Int64(limit) }) / Double(all.count))
  }
}
