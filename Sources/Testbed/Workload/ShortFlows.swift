import TestbedLink

/// Many short TCP flows from the client's end of a link to the server's, by one thread: each sends its bytes,
/// and is complete when the receiver has told how many it read and the number is right.
package final class ShortFlows: FlowWorkload<ShortFlows.Completion>, @unchecked Sendable {
  package struct Plan: Sendable {
    /// Seconds between two beginnings.
    package var interval = 0.05
    /// Draws the times between two beginnings from an exponential distribution, with `interval` as its mean:
    /// open-loop Poisson arrivals.
    package var isPoisson = false
    /// Begins the next flow when the last one has ended, and `interval` seconds have passed since it began.
    package var oneAfterAnother = false
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

  /// One complete flow.
  package struct Completion: Equatable, Sendable {
    package var bytes: Int
    package var seconds: Double
  }

  /// Most flows at one time.
  package static let limit = 512
  /// Most completions that are kept.
  private static let keptCompletions = 100_000
  static let port: UInt16 = 7_000

  /// Starts at once.
  package init(_ plan: Plan, over link: LinkEmulator) throws {
    let listener = try NamespaceSocket.tcpListener(
      in: link.server, LinkEmulator.Address.server, port: Self.port)
    super.init(
      "medulla-flows", ShortFlowEnds(plan, namespace: link.client.path, listener: listener),
      keeping: Self.keptCompletions)
  }
}
