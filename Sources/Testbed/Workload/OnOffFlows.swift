import Foundation
import MedullaBase
import TestbedLink

/// TCP flows over a link that send as fast as they may for a time and pause for a time, in turn, by one
/// thread. Each is one connection, which stays.
package final class OnOffFlows: Sendable {
  package struct Plan: Codable, Equatable, Sendable {
    package var flows = 1
    /// How long a burst is sent.
    package var on = DrawnSeconds.fixed(1)
    /// From a burst's last sent byte to the next burst, whether or not the receiver has read everything.
    package var off = DrawnSeconds.fixed(1)
    package var congestion: String
    /// Where the senders are.
    package var sender = LinkEnd.client
    package var seed: UInt64 = 1

    package init(congestion: String) { self.congestion = congestion }

    /// Throws `badParameter` for a plan that cannot be run.
    package func validate() throws {
      guard (1...1_000).contains(flows), (0.001...3_600).contains(on.mean), (0.001...3_600).contains(off.mean)
      else {
        throw TestbedError(
          .badParameter,
          "On-off flows of \(on.mean) and \(off.mean) s, \(flows) in number, are out of range.",
          remedy: "Use 1 to 1,000 flows and 0.001 to 3,600 s.")
      }
    }
  }

  package struct Counts: Codable, Equatable, Sendable {
    /// Bursts that began, and those of which the receiver has read every byte.
    package var begun = 0
    package var completed = 0
    /// Bursts that their flow's end cut short.
    package var broken = 0
    /// Bursts left out because the receiver was too far behind.
    package var skipped = 0
    package var brokenFlows = 0
    /// Payload of the complete bursts.
    package var bytes = 0
    /// What went wrong, each kind once with its number.
    package var reasons: [String: Int] = [:]

    /// Bursts that are still under way, or were when the flows stopped.
    package var unfinished: Int { begun - completed - broken }
  }

  /// One complete burst.
  package struct Burst: Codable, Equatable, Sendable {
    /// 0, 1, …
    package var flow: Int
    /// On the monotonic clock.
    package var begunNanoseconds: UInt64
    package var bytes: Int
    /// How long it was sent.
    package var sendingSeconds: Double
    /// From its beginning until the receiver had read its last byte, at least the sending.
    package var seconds: Double

    /// Goodput over all of its time.
    package var bitsPerSecond: Double { seconds > 0 ? Double(bytes) * 8 / seconds : 0 }
  }

  /// Most bursts that are kept.
  private static let keptBursts = 100_000
  static let port: UInt16 = 7_002
  /// Bytes in a socket that TCP has not sent yet: a burst ends soon after its time, and not when a large
  /// buffer is empty.
  private static let unsentBytes: Int32 = 65_536

  private let loop: FlowLoop<OnOffEnds>

  /// Connects all flows; their first bursts begin one after another, spread over a mean burst and pause.
  package init(_ plan: Plan, over link: LinkEmulator) throws {
    try plan.validate()
    let pairs = try FlowPair.connect(
      plan.flows, from: plan.sender, port: Self.port, opening: plan.congestion, over: link)
    do {
      for pair in pairs {
        try NamespaceSocket.set(Int32(TCP_NOTSENT_LOWAT), to: Self.unsentBytes, pair.opened)
      }
    } catch {
      for pair in pairs { pair.close() }
      throw error
    }
    loop = FlowLoop("medulla-on-off", OnOffEnds(plan, pairs, start: MonotonicClock.nanoseconds), Account())
  }

  deinit { stop() }

  package func read() -> Counts { loop.account.counts }

  /// What is complete, in its order, of up to 100,000 bursts.
  package func bursts() -> [Burst] { loop.account.bursts }

  /// Begins no more bursts and waits for those under way, at most for `limit`.
  package func finish(within limit: Duration) throws -> Counts {
    try loop.finish(within: limit)
    return read()
  }

  /// Ends all flows. Safe to call twice.
  package func stop() { loop.stop() }
}

extension OnOffFlows {
  struct Account: FlowAccount {
    enum Event {
      case burst(OnOffFlow.News)
      /// A flow that ended, with bursts under way.
      case broken(String, bursts: Int)
    }

    var counts = Counts()
    var bursts: [Burst] = []

    mutating func take(_ event: Event) {
      switch event {
      case .burst(.begun): counts.begun += 1
      case .burst(.skipped): counts.skipped += 1
      case .burst(.completed(let burst)):
        counts.completed += 1
        counts.bytes += burst.bytes
        if bursts.count < keptBursts { bursts.append(burst) }
      case .broken(let reason, let bursts):
        counts.broken += bursts
        counts.brokenFlows += 1
        counts.reasons[reason, default: 0] += 1
      }
    }
  }
}
