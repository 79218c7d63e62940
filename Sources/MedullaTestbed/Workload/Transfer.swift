import Foundation

/// A running bulk transfer from the client's end of a link to the server's: an iperf3 server and client.
public final class Transfer {
  /// What to run.
  public struct Plan: Equatable, Sendable {
    /// A congestion control that the kernel lists.
    public var congestion: String
    public var flows: Int
    public var seconds: Int
    /// Seconds between two values of the time series.
    public var interval: Double
    public var port: Int
    /// The processors to which the two ends are kept; nil: any.
    public var senderProcessor: Int?
    public var receiverProcessor: Int?

    public init(
      congestion: String, flows: Int = 1, seconds: Int, interval: Double = 0.5, port: Int = Iperf3.port
    ) {
      self.congestion = congestion
      self.flows = flows
      self.seconds = seconds
      self.interval = interval
      self.port = port
    }
  }

  public let plan: Plan
  /// When the client was started, on the monotonic clock.
  public let startNanoseconds: UInt64
  private let server: ChildProcess
  private let client: ChildProcess

  /// Starts both ends. Throws `missingCongestionControl` when the kernel does not list the plan's.
  public init(_ plan: Plan, over link: LinkEmulator) throws {
    try CongestionControls.require(plan.congestion)
    self.plan = plan
    server = try link.server.start(
      Self.kept(to: plan.receiverProcessor) + [
        "iperf3", "-s", "-1", "-J", "-i", "\(plan.interval)", "-p", "\(plan.port)",
      ], errors: .discarded)
    try Iperf3.awaitListening(server, port: plan.port)
    startNanoseconds = monotonicNanoseconds()
    client = try link.client.start(
      Self.kept(to: plan.senderProcessor) + [
        "iperf3", "-c", LinkEmulator.Address.server, "-p", "\(plan.port)", "-C", plan.congestion,
        "-t", "\(plan.seconds)", "-P", "\(plan.flows)", "-i", "\(plan.interval)", "-J",
      ])
  }

  private static func kept(to processor: Int?) -> [String] {
    processor.map { ["taskset", "-c", "\($0)"] } ?? []
  }

  public var clientIdentifier: Int32 { client.identifier }
  public var serverIdentifier: Int32 { server.identifier }

  deinit { end() }

  /// Waits for both ends and reads what they say.
  public func finish() throws -> TransferResult {
    defer { end() }
    let limit = Duration.seconds(plan.seconds + 30)
    let sent = try client.finish(within: limit)
    let sender = try Iperf3Report(json: sent.output)
    let receiver = try Iperf3Report(json: try server.finish(within: .seconds(15)).output)
    return try TransferResult(congestion: plan.congestion, sender: sender, receiver: receiver)
  }

  /// Ends both programs if they still run.
  public func end() {
    client.end()
    server.end()
  }
}

/// The congestion controls of the running kernel.
public enum CongestionControls {
  private static let list = "/proc/sys/net/ipv4/tcp_available_congestion_control"

  public static func available() -> [String] {
    let text = (try? String(contentsOfFile: list, encoding: .utf8)) ?? ""
    return text.split(whereSeparator: \.isWhitespace).map(String.init)
  }

  /// Throws `missingCongestionControl` for a name that the kernel does not list.
  public static func require(_ name: String) throws {
    let names = available()
    guard !names.contains(name) else { return }
    throw TestbedError(
      .missingCongestionControl,
      "The kernel has no congestion control `\(name)`; it lists \(names.joined(separator: ", ")).",
      remedy:
        "Attach it (`medulla attach congestion --name \(name) BUNDLE`), or load it (`modprobe tcp_\(name)`).")
  }
}
