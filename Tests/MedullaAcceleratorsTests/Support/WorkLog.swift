import Synchronization

/// What was done, in order, by any thread.
final class WorkLog: Sendable {
  private let state = Mutex<[Int]>([])

  func add(_ number: Int) { state.withLock { $0.append(number) } }
  var numbers: [Int] { state.withLock { $0 } }
}
