/// Many short TCP flows from the client's end of a link to the server's, by one thread: each sends its bytes,
/// and is complete when the receiver has told how many it read and the number is right.
public final class ShortFlows: Sendable {
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

  private let loop: FlowLoop<ShortFlowEnds>

  /// Starts at once.
  public init(_ plan: Plan, over link: LinkEmulator) throws {
    let listener = try NamespaceSocket.tcpListener(
      in: link.server, LinkEmulator.Address.server, port: Self.port)
    let ends = ShortFlowEnds(plan, namespace: link.client.path, listener: listener)
    loop = FlowLoop("medulla-flows", ends, Account())
  }

  public func read() -> Counts {
    var counts = loop.account.counts
    if let failure = loop.failure { counts.reasons[failure] = 1 }
    return counts
  }

  /// What completed, in its order, of up to 100,000 flows.
  public func completions() -> [Completion] { loop.account.done }

  /// Seconds from beginning to completion, of up to 100,000 flows.
  public func completionSeconds() -> [Double] { completions().map(\.seconds) }

  /// Begins no more flows and waits for those under way, at most their patience.
  public func finish(within limit: Duration) throws -> Counts {
    try loop.finish(within: limit)
    return read()
  }

  /// Ends the thread; flows under way are given up. Safe to call twice.
  public func stop() { loop.stop() }
}

extension ShortFlows {
  struct Account: FlowAccount {
    enum Event {
      case begun
      case connected
      case completed(bytes: Int, seconds: Double)
      case broken(String)
      case skipped
    }

    var counts = Counts()
    var done: [Completion] = []

    mutating func take(_ event: Event) {
      switch event {
      case .begun: counts.begun += 1
      case .connected: counts.connected += 1
      case .skipped: counts.skipped += 1
      case .completed(let bytes, let seconds):
        counts.completed += 1
        counts.bytes += bytes
        if done.count < keptCompletions { done.append(Completion(bytes: bytes, seconds: seconds)) }
      case .broken(let reason):
        counts.broken += 1
        counts.reasons[reason, default: 0] += 1
      }
    }
  }
}
