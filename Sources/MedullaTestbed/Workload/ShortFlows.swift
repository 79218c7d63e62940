import CMedulla
import Foundation

/// Many short TCP flows from the client's end of a link to the server's, by one thread: each sends its bytes,
/// and is complete when the receiver has told how many it read and the number is right.
public final class ShortFlows: @unchecked Sendable {
  public struct Plan: Codable, Equatable, Sendable {
    /// Seconds between two beginnings.
    public var interval = 0.05
    /// Draws the times between two beginnings from an exponential distribution, with `interval` as its mean:
    /// open-loop Poisson arrivals.
    public var isPoisson = false
    /// Payload bytes, drawn between these on a logarithmic scale.
    public var bytes = 20_000...1_000_000
    /// Payload bytes by a distribution instead.
    public var sizes: FabricSizeDistribution?
    /// A flow that is not complete after so many seconds counts as broken.
    public var patience = 60.0
    public var congestion: String
    public var seed: UInt64 = 1

    public init(congestion: String) { self.congestion = congestion }
  }

  public struct Counts: Codable, Equatable, Sendable {
    /// Connections asked for.
    public var begun = 0
    /// Connections that stood.
    public var connected = 0
    /// Flows of which the receiver has read every byte.
    public var completed = 0
    public var broken = 0
    /// Beginnings that were left out because `ShortFlows.limit` flows were still under way.
    public var skipped = 0
    /// Payload of the complete flows.
    public var bytes = 0
    /// What went wrong, each kind once with its number.
    public var reasons: [String: Int] = [:]
  }

  /// One complete flow.
  public struct Completion: Codable, Equatable, Sendable {
    public var bytes: Int
    public var seconds: Double
  }

  /// Most flows at one time.
  public static let limit = 512
  /// Most completions that are kept.
  private static let keptCompletions = 100_000
  static let port: UInt16 = 7_000

  // The lock guards `counts`, `done`, `finishing` and `stopping`; the loop is the thread's own.
  private let lock = NSLock()
  private var counts = Counts()
  private var done: [Completion] = []
  private var finishing = false
  private var stopping = false
  private let ended = DispatchSemaphore(value: 0)
  private var isOver = false

  /// Starts at once.
  public init(_ plan: Plan, over link: LinkEmulator) throws {
    let listener = try NamespaceSocket.tcpListener(
      in: link.server, LinkEmulator.Address.server, port: Self.port)
    let namespace = link.client.path
    let thread = Thread { [self] in
      defer { ended.signal() }
      guard medulla_enter_network_namespace(namespace) == 0 else {
        close(listener)
        return lock.withLock { note("the client's namespace cannot be entered") }
      }
      var loop = FlowLoop(plan, listener: listener)
      while true {
        let (ends, mayBegin) = lock.withLock { (stopping, !finishing) }
        if ends || (!mayBegin && loop.isIdle) { break }
        let events = loop.turn(mayBegin: mayBegin)
        if !events.isEmpty { lock.withLock { take(events) } }
      }
      loop.close()
    }
    thread.name = "medulla-flows"
    thread.start()
  }

  public func read() -> Counts { lock.withLock { counts } }

  /// What completed, in its order, of up to 100,000 flows.
  public func completions() -> [Completion] { lock.withLock { done } }

  /// Seconds from beginning to completion, of up to 100,000 flows.
  public func completionSeconds() -> [Double] { completions().map(\.seconds) }

  /// Begins no more flows and waits for those under way, at most their patience.
  public func finish(within limit: Duration) throws -> Counts {
    lock.withLock { finishing = true }
    let deadline = ContinuousClock.now + limit
    while !isOver, ContinuousClock.now < deadline {
      if ended.wait(timeout: .now()) == .success { isOver = true }
      try Interruption.sleep(.milliseconds(50))
    }
    stop()
    return read()
  }

  /// Ends the thread; flows under way are given up. Safe to call twice.
  public func stop() {
    lock.withLock { stopping = true }
    if !isOver {
      ended.wait()
      isOver = true
    }
  }

  private func note(_ reason: String) { counts.reasons[reason, default: 0] += 1 }

  private func take(_ events: [FlowLoop.Event]) {
    for event in events {
      switch event {
      case .begun: counts.begun += 1
      case .connected: counts.connected += 1
      case .skipped: counts.skipped += 1
      case .completed(let bytes, let seconds):
        counts.completed += 1
        counts.bytes += bytes
        if done.count < Self.keptCompletions { done.append(Completion(bytes: bytes, seconds: seconds)) }
      case .broken(let reason):
        counts.broken += 1
        note(reason)
      }
    }
  }
}
