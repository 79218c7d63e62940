import Foundation
import MedullaBase
import TestbedLink

/// TCP flows over a link that send as fast as they may for a time and pause for a time, in turn, by one
/// thread. Each is one connection, which stays.
package final class OnOffFlows: FlowWorkload<OnOffFlows.Burst>, @unchecked Sendable {
  package struct Plan: Sendable {
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

  /// One complete burst.
  package struct Burst: Equatable, Sendable {
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

  /// Connects all flows; their first bursts begin one after another, spread over a mean burst and pause.
  package init(_ plan: Plan, over link: LinkEmulator) throws {
    try plan.validate()
    let pairs = try FlowPair.connect(
      plan.flows, from: plan.sender, port: Self.port, opening: plan.congestion, over: link
    ) { try NamespaceSocket.set(Int32(TCP_NOTSENT_LOWAT), to: Self.unsentBytes, $0.opened) }
    super.init(
      "medulla-on-off", OnOffEnds(plan, pairs, start: MonotonicClock.nanoseconds), keeping: Self.keptBursts)
  }
}
