import Foundation
import Synchronization

/// A thread that does what it is given, in order.
///
/// The first work that fails is remembered: what follows is not done, and whoever waits is told.
final class HostLane: @unchecked Sendable {
  /// Work that waits at once; a caller with more waits until some is done.
  static let queueLimit = 65_536

  // All below `condition`. The thread holds the queue, not the lane, so that a lane that is dropped ends it.
  private final class Queue: @unchecked Sendable {
    let condition = NSCondition()
    var work: [DeviceWork] = []
    var next = 0
    var issued = 0
    var done = 0
    var failure: AcceleratorError?
    var isClosed = false

    func run() {
      while true {
        condition.lock()
        while next == work.count, !isClosed { condition.wait() }
        guard next < work.count else { return condition.unlock() }
        let body = work[next]
        next += 1
        if next == work.count { (work, next) = ([], 0) }
        let mayRun = failure == nil
        condition.unlock()
        var thrown: AcceleratorError?
        if mayRun {
          do throws(AcceleratorError) { try body() } catch { thrown = error }
        }
        condition.lock()
        if let thrown, failure == nil { failure = thrown }
        done += 1
        condition.broadcast()
        condition.unlock()
      }
    }
  }

  private let queue = Queue()

  init(name: String) {
    let queue = queue
    let thread = Thread { queue.run() }
    thread.name = name
    thread.start()
  }

  deinit {
    queue.condition.lock()
    queue.isClosed = true
    queue.condition.broadcast()
    queue.condition.unlock()
  }

  /// - Returns: its number; it is done when `done` has reached it.
  @discardableResult
  func enqueue(_ body: @escaping DeviceWork) throws(AcceleratorError) -> Int {
    queue.condition.lock()
    defer { queue.condition.unlock() }
    while queue.work.count - queue.next >= Self.queueLimit { queue.condition.wait() }
    if let failure = queue.failure { throw failure }
    queue.work.append(body)
    queue.issued += 1
    queue.condition.broadcast()
    return queue.issued
  }

  /// The number of what was put in last.
  var issued: Int {
    queue.condition.lock()
    defer { queue.condition.unlock() }
    return queue.issued
  }

  func isDone(_ number: Int) throws(AcceleratorError) -> Bool {
    queue.condition.lock()
    defer { queue.condition.unlock() }
    if let failure = queue.failure { throw failure }
    return queue.done >= number
  }

  func wait(for number: Int) throws(AcceleratorError) {
    queue.condition.lock()
    defer { queue.condition.unlock() }
    while queue.done < number, queue.failure == nil { queue.condition.wait() }
    if let failure = queue.failure { throw failure }
  }

  /// Whether all is done by then.
  func drain(until limit: Date) -> Bool {
    queue.condition.lock()
    defer { queue.condition.unlock() }
    let number = queue.issued
    while queue.done < number {
      guard queue.condition.wait(until: limit) else { return queue.done >= number }
    }
    return true
  }
}
