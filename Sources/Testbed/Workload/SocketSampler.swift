import Foundation
import TestbedLink

/// Samples the client's sockets towards the server every 100 ms, on a thread of its own.
package final class SocketSampler: @unchecked Sendable {
  // The lock guards `samples` and `stopping`; everything else is constant.
  private let lock = NSLock()
  private var samples: [SocketSample] = []
  private var stopping = false
  private let ended = DispatchSemaphore(value: 0)
  private let namespace: NetworkNamespace
  private static let period = Duration.milliseconds(100)

  package init(_ namespace: NetworkNamespace) { self.namespace = namespace }

  package func start() {
    let thread = Thread { [self] in
      defer { ended.signal() }
      while !lock.withLock({ stopping }) {
        let next = ContinuousClock.now + Self.period
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
    // A sample that cannot be taken is a gap in a plot, not a failure of the run.
    guard let taken = try? SocketSample.read(namespace, within: .seconds(2)) else { return }
    lock.withLock { samples += taken }
  }
}
