import Foundation
import MedullaBase
import TestbedLink

/// Both ends of the flows of one workload, as a `FlowLoop` runs them, always on its thread.
protocol FlowEnds<Item>: Sendable {
  associatedtype Item: Equatable & Sendable

  /// Called once, before anything else.
  mutating func enter() throws

  /// Begins what is due, unless nothing may begin any more, and gives up what takes too long.
  mutating func advance(to now: UInt64, mayBegin: Bool) -> [FlowEvent<Item>]

  /// When `advance` has to be called at the latest, on the monotonic clock; nil: whenever.
  func due(mayBegin: Bool) -> UInt64?

  /// The sockets, and the news of each that `serve` wants.
  var watched: [pollfd] { get }

  /// Follows the news of one socket.
  mutating func serve(_ descriptor: Int32) -> [FlowEvent<Item>]

  /// Whether nothing is under way.
  var isIdle: Bool { get }

  /// Closes everything.
  mutating func close()
}

extension FlowEnds {
  mutating func enter() throws {}
}

/// One thread over `poll` that runs both ends of a workload's flows, and keeps the account.
final class FlowLoop<Item: Equatable & Sendable>: @unchecked Sendable {
  // The lock guards `kept`, `finishing` and `stopping`; the ends are the thread's own.
  private let lock = NSLock()
  private var kept: FlowAccount<Item>
  private var finishing = false
  private var stopping = false
  private let ended = DispatchSemaphore(value: 0)
  private var isOver = false

  /// Starts at once, and closes the ends when it stops.
  init(_ name: String, _ ends: some FlowEnds<Item>, _ account: FlowAccount<Item>) {
    kept = account
    let thread = Thread { [self] in
      run(ends)
      ended.signal()
    }
    thread.name = name
    thread.start()
  }

  var account: FlowAccount<Item> { lock.withLock { kept } }

  func finish(within limit: Duration) throws {
    lock.withLock { finishing = true }
    let deadline = ContinuousClock.now + limit
    while !isOver, ContinuousClock.now < deadline {
      if ended.wait(timeout: .now()) == .success { isOver = true }
      try Interruption.sleep(.milliseconds(50))
    }
    stop()
  }

  func stop() {
    lock.withLock { stopping = true }
    if !isOver {
      ended.wait()
      isOver = true
    }
  }

  private func run(_ given: some FlowEnds<Item>) {
    var ends = given
    defer { ends.close() }
    do {
      try ends.enter()
    } catch {
      // Why it could not begin.
      return lock.withLock { kept.counts.reasons["\(error)"] = 1 }
    }
    while true {
      let (stops, mayBegin) = lock.withLock { (stopping, !finishing) }
      if stops || (!mayBegin && ends.isIdle) { return }
      var events = ends.advance(to: MonotonicClock.nanoseconds, mayBegin: mayBegin)
      var watched = ends.watched
      if poll(&watched, nfds_t(watched.count), Self.wait(until: ends.due(mayBegin: mayBegin))) > 0 {
        for item in watched where item.revents != 0 { events += ends.serve(item.fd) }
      }
      if !events.isEmpty { lock.withLock { for event in events { kept.take(event) } } }
    }
  }

  /// Milliseconds for `poll`, rounded up so that nothing is early; few, so that a stop is heard soon.
  private static func wait(until due: UInt64?) -> Int32 {
    let most: UInt64 = 5
    guard let due else { return Int32(most) }
    let now = MonotonicClock.nanoseconds
    return due <= now ? 0 : Int32(min((due - now + 999_999) / 1_000_000, most))
  }
}
