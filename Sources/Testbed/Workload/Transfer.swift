import MedullaBase
import TestbedLink

/// A running bulk transfer from the client's end of a link to the server's: an iperf3 server and client.
package final class Transfer {
  /// What to run.
  package struct Plan: Equatable, Sendable {
    /// A congestion control that the kernel lists.
    package var congestion: String
    package var flows: Int
    package var seconds: Int
    /// Seconds between two values of the time series.
    package var interval: Double
    package var port: Int
    /// The processors to which the two ends are kept; nil: any.
    package var senderProcessor: Int?
    package var receiverProcessor: Int?

    package init(
      congestion: String, flows: Int = 1, seconds: Int, interval: Double = 0.5, port: Int = Iperf3.port
    ) {
      self.congestion = congestion
      self.flows = flows
      self.seconds = seconds
      self.interval = interval
      self.port = port
    }
  }

  package let plan: Plan
  /// When the client was started, on the monotonic clock.
  package let startNanoseconds: UInt64
  private let server: ChildProcess
  private let client: ChildProcess

  /// Starts both ends. Throws `missingCongestionControl` when the kernel does not list the plan's.
  package init(_ plan: Plan, over link: LinkEmulator) throws {
    try CongestionControls.require(plan.congestion)
    self.plan = plan
    server = try link.server.start(
      Self.kept(to: plan.receiverProcessor) + [
        "iperf3", "-s", "-1", "-J", "-i", "\(plan.interval)", "-p", "\(plan.port)",
      ], errors: .discarded)
    try Iperf3.awaitListening(server, port: plan.port)
    startNanoseconds = MonotonicClock.nanoseconds
    client = try link.client.start(
      Self.kept(to: plan.senderProcessor) + [
        "iperf3", "-c", LinkEmulator.Address.server, "-p", "\(plan.port)", "-C", plan.congestion,
        "-t", "\(plan.seconds)", "-P", "\(plan.flows)", "-i", "\(plan.interval)", "-J",
      ])
  }

  private static func kept(to processor: Int?) -> [String] {
    processor.map { ["taskset", "-c", "\($0)"] } ?? []
  }

  /// Seconds since the client's start.
  package func seconds(at nanoseconds: UInt64) -> Double {
    Double(Int64(bitPattern: nanoseconds &- startNanoseconds)) / 1e9
  }

  package var clientIdentifier: Int32 { client.identifier }

  deinit { end() }

  /// Waits for both ends and reads what they say.
  package func finish() throws -> TransferResult {
    defer { end() }
    let limit = Duration.seconds(plan.seconds + 30)
    let sent = try client.finish(within: limit)
    let sender = try Iperf3Report(json: sent.output)
    let receiver = try Iperf3Report(json: try server.finish(within: .seconds(15)).output)
    return try TransferResult(congestion: plan.congestion, sender: sender, receiver: receiver)
  }

  /// Ends both programs if they still run.
  package func end() {
    client.end()
    server.end()
  }
}
