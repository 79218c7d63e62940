import TestbedLink

/// Many short TCP flows from the client's end of a link to the server's, by one thread: each sends its bytes,
/// and is complete when the receiver has told how many it read and the number is right.
package final class ShortFlows: Sendable {
  package struct Plan: Codable, Equatable, Sendable {
    /// Seconds between two beginnings.
    package var interval = 0.05
    /// Draws the times between two beginnings from an exponential distribution, with `interval` as its mean:
    /// open-loop Poisson arrivals.
    package var isPoisson = false
    /// Payload bytes, drawn between these on a logarithmic scale.
    package var bytes = 20_000...1_000_000
    /// Payload bytes by a distribution instead.
    package var sizes: FabricSizeDistribution?
    /// A flow that is not complete after so many seconds counts as broken.
    package var patience = 60.0
    package var congestion: String
    package var seed: UInt64 = 1

    package init(congestion: String) { self.congestion = congestion }
  }

  package struct Counts: Codable, Equatable, Sendable {
    /// Connections asked for.
    package var begun = 0
    /// Connections that stood.
    package var connected = 0
    /// Flows of which the receiver has read every byte.
    package var completed = 0
    package var broken = 0
    /// Beginnings that were left out because `ShortFlows.limit` flows were still under way.
    package var skipped = 0
    /// Payload of the complete flows.
    package var bytes = 0
    /// What went wrong, each kind once with its number.
    package var reasons: [String: Int] = [:]

    package init() {}
  }

  /// One complete flow.
  package struct Completion: Codable, Equatable, Sendable {
    package var bytes: Int
    package var seconds: Double
  }

  /// Most flows at one time.
  package static let limit = 512
  /// Most completions that are kept.
  private static let keptCompletions = 100_000
  static let port: UInt16 = 7_000

  private let loop: FlowLoop<ShortFlowEnds>

  /// Starts at once.
  package init(_ plan: Plan, over link: LinkEmulator) throws {
    let listener = try NamespaceSocket.tcpListener(
      in: link.server, LinkEmulator.Address.server, port: Self.port)
    let ends = ShortFlowEnds(plan, namespace: link.client.path, listener: listener)
    loop = FlowLoop("medulla-flows", ends, Account())
  }

  package func read() -> Counts {
    var counts = loop.account.counts
    if let failure = loop.failure { counts.reasons[failure] = 1 }
    return counts
  }

  /// What completed, in its order, of up to 100,000 flows.
  package func completions() -> [Completion] { loop.account.done }

  /// Seconds from beginning to completion, of up to 100,000 flows.
  package func completionSeconds() -> [Double] { completions().map(\.seconds) }

  /// Begins no more flows and waits for those under way, at most their patience.
  package func finish(within limit: Duration) throws -> Counts {
    try loop.finish(within: limit)
    return read()
  }

  /// Ends the thread; flows under way are given up. Safe to call twice.
  package func stop() { loop.stop() }
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
