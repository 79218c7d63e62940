import Foundation
import MedullaBase
import TestbedLink

/// Requests and answers over TCP connections that stay, by one thread: each connection asks, waits for the
/// last byte of the answer, thinks, and asks again (a closed loop).
package final class RequestResponse: FlowWorkload<RequestResponse.Answer>, @unchecked Sendable {
  package struct Plan: Sendable {
    package var connections = 1
    package var requestBytes = 200
    package var answerBytes = 10_000
    /// From an answer's last byte to the next request; before the first request, too.
    package var think = DrawnSeconds.exponential(mean: 0.2)
    /// A request without its whole answer after so many seconds counts as broken, and its connection ends.
    package var patience = 60.0
    /// What the answering end sends with; the asking end has the system's own.
    package var congestion: String
    /// The end that asks.
    package var asking = LinkEnd.client
    package var seed: UInt64 = 1

    package init(congestion: String) { self.congestion = congestion }

    /// Throws `badParameter` for a plan that cannot be run.
    package func validate() throws {
      guard (1...1_000).contains(connections), (1...1 << 28).contains(requestBytes),
        (1...1 << 28).contains(answerBytes), (0...3_600).contains(think.mean),
        (0.001...3_600).contains(patience)
      else {
        throw TestbedError(
          .badParameter, "The requests' connections, sizes or times are out of range.",
          remedy: "Use 1 to 1,000 connections, 1 byte to 256 MiB and up to 3,600 s.")
      }
    }
  }

  /// One answered request.
  package struct Answer: Equatable, Sendable {
    /// 0, 1, …
    package var connection: Int
    /// On the monotonic clock.
    package var begunNanoseconds: UInt64
    /// From the request's first byte out to the answer's last byte in.
    package var seconds: Double
  }

  /// Most answers that are kept.
  private static let keptAnswers = 1_000_000
  static let port: UInt16 = 7_003

  /// Connects, then begins to think.
  package init(_ plan: Plan, over link: LinkEmulator) throws {
    try plan.validate()
    let pairs = try FlowPair.connect(
      plan.connections, from: plan.asking, port: Self.port, accepting: plan.congestion, over: link
    ) { pair in
      for descriptor in [pair.opened, pair.accepted] {
        // As servers do: an answer's last segment does not wait for acknowledgements.
        try NamespaceSocket.set(Int32(TCP_NODELAY), to: 1, descriptor)
      }
      try Self.require(plan.congestion, pair.accepted)
    }
    super.init(
      "medulla-requests", RequestEnds(plan, pairs, start: MonotonicClock.nanoseconds),
      keeping: Self.keptAnswers)
  }

  /// An accepted socket has the listener's congestion control, unless something else has set another one.
  private static func require(_ congestion: String, _ descriptor: Int32) throws {
    let name = NamespaceSocket.congestion(of: descriptor) ?? "none"
    guard name != congestion else { return }
    throw TestbedError(
      .linkFailed, "The answering end sends with \(name) instead of \(congestion).",
      remedy: "Look for a route or a program that sets the congestion control.")
  }
}
