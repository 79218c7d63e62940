import Foundation
import MedullaBase
import TestbedLink

/// Samples the client's sockets towards the server every 100 ms, on a thread of its own.
package final class SocketSampler: @unchecked Sendable {
  // The lock guards `samples` and `stopping`; everything else is constant.
  private let lock = NSLock()
  private var samples: [SocketSample] = []
  private var stopping = false
  private let ended = DispatchSemaphore(value: 0)
  private let namespace: NetworkNamespace
  private let period: Duration

  package init(_ namespace: NetworkNamespace, every period: Duration = .milliseconds(100)) {
    self.namespace = namespace
    self.period = period
  }

  package func start() {
    let thread = Thread { [self] in
      defer { ended.signal() }
      while !lock.withLock({ stopping }) {
        let next = ContinuousClock.now + period
        take()
        let left = ContinuousClock.now.duration(to: next).nanoseconds
        if left > 0 { usleep(UInt32(left / 1000)) }
      }
    }
    thread.name = "medulla-sampler"
    thread.start()
  }

  /// Ends the sampling and gives what it saw, oldest first.
  package func stop() -> [SocketSample] {
    lock.withLock { stopping = true }
    ended.wait()
    return samples
  }

  private func take() {
    let time = MonotonicClock.nanoseconds
    // A sample that cannot be taken is a gap in a plot, not a failure of the run.
    guard
      let outcome = try? ChildProcess.run(
        ["ss", "-N", namespace.name, "-tinH", "dst", LinkEmulator.Address.server], within: .seconds(2))
    else { return }
    let taken = SocketSample.parse(outcome.outputText, at: time)
    lock.withLock { samples += taken }
  }
}
