import Foundation
import MedullaBase
import TestbedLink

/// Requests and answers over TCP connections that stay, by one thread: each connection asks, waits for the
/// last byte of the answer, thinks, and asks again (a closed loop).
package final class RequestResponse: Sendable {
  package struct Plan: Codable, Equatable, Sendable {
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

  package struct Counts: Codable, Equatable, Sendable {
    package var asked = 0
    package var answered = 0
    /// Requests that were given up, or whose connection ended.
    package var broken = 0
    package var brokenConnections = 0
    /// What went wrong, each kind once with its number.
    package var reasons: [String: Int] = [:]

    /// Requests that are still under way, or were when the connections stopped.
    package var unfinished: Int { asked - answered - broken }
  }

  /// One answered request.
  package struct Answer: Codable, Equatable, Sendable {
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

  private let loop: FlowLoop<RequestEnds>

  /// Connects, then begins to think.
  package init(_ plan: Plan, over link: LinkEmulator) throws {
    try plan.validate()
    let pairs = try FlowPair.connect(
      plan.connections, from: plan.asking, port: Self.port, accepting: plan.congestion, over: link)
    do {
      for pair in pairs {
        for descriptor in [pair.opened, pair.accepted] {
          // As servers do: an answer's last segment does not wait for acknowledgements.
          try NamespaceSocket.set(Int32(TCP_NODELAY), to: 1, descriptor)
        }
        try Self.require(plan.congestion, pair.accepted)
      }
    } catch {
      for pair in pairs { pair.close() }
      throw error
    }
    loop = FlowLoop(
      "medulla-requests", RequestEnds(plan, pairs, start: MonotonicClock.nanoseconds), Account())
  }

  deinit { stop() }

  package func read() -> Counts { loop.account.counts }

  /// What was answered, in its order, of up to 1,000,000 requests.
  package func answers() -> [Answer] { loop.account.answers }

  /// Begins no more requests and waits for those under way, at most for `limit`.
  package func finish(within limit: Duration) throws -> Counts {
    try loop.finish(within: limit)
    return read()
  }

  /// Ends all connections. Safe to call twice.
  package func stop() { loop.stop() }

  /// An accepted socket has the listener's congestion control, unless something else has set another one.
  private static func require(_ congestion: String, _ descriptor: Int32) throws {
    let name = NamespaceSocket.congestion(of: descriptor) ?? "none"
    guard name != congestion else { return }
    throw TestbedError(
      .linkFailed, "The answering end sends with \(name) instead of \(congestion).",
      remedy: "Look for a route or a program that sets the congestion control.")
  }
}

extension RequestResponse {
  struct Account: FlowAccount {
    enum Event {
      case asked
      case answered(Answer)
      /// A connection that ended, with or without a request under way.
      case broken(String, asking: Bool)
    }

    var counts = Counts()
    var answers: [Answer] = []

    mutating func take(_ event: Event) {
      switch event {
      case .asked: counts.asked += 1
      case .answered(let answer):
        counts.answered += 1
        if answers.count < keptAnswers { answers.append(answer) }
      case .broken(let reason, let asking):
        counts.broken += asking ? 1 : 0
        counts.brokenConnections += 1
        counts.reasons[reason, default: 0] += 1
      }
    }
  }
}
