import Foundation
import MedullaFabric
import Synchronization
import Testing

/// A thread that watches a fabric until it is ended.
final class TestWatch: Sendable {
  private let isDone = Mutex(false)
  private let isOver = Mutex(false)
  private let heard = Mutex<[FabricWatch.Event]>([])

  init(_ names: FabricNames) {
    Thread { [self] in
      do {
        try FabricWatch(RunningFabric.open(names)).run(
          until: { isDone.withLock { $0 } }, report: { event in heard.withLock { $0.append(event) } })
      } catch {
        Issue.record(error)
      }
      isOver.withLock { $0 = true }
    }.start()
  }

  var events: [FabricWatch.Event] { heard.withLock { $0 } }

  /// Ends it, and waits until it has.
  func end() {
    isDone.withLock { $0 = true }
    while !isOver.withLock({ $0 }) { usleep(1_000) }
  }
}
