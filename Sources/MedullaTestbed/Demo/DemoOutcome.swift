/// What the demonstration saw.
public struct DemoOutcome: Codable, Sendable {
  /// One congestion control on the link.
  public struct Run: Codable, Sendable {
    public var congestion: String
    public var goodputMbps: Double
    public var rttMeanMs: Double
    public var rttP95Ms: Double
    public var queueingDelayMeanMs: Double
    public var retransmits: Int
    /// Time of one inference where the network ran: the mean, and the quickest.
    public var nsPerInference: Double?
    public var nsPerInferenceLeast: Double?
    public var rate: [TimedValue]
    public var rtt: [TimedValue]
    public var fellBehind: Bool
  }

  /// The run in which the snapshot changes.
  public struct Swap: Codable, Sendable {
    /// Seconds since the first flow's start.
    public var time: Double
    public var secondFlowTime: Double
    /// How long the command took, everything included.
    public var milliseconds: Double
    public var before: [DemoSlot]
    public var after: [DemoSlot]
    /// Goodput over time of the flow that ran through the swap, and of the one that started after it.
    public var first: [TimedValue]
    public var second: [TimedValue]
    public var retransmits: Int
  }

  public var plan: DemoPlan
  public var host: HostFacts
  /// Where the network ran: `kernel` or `simulator`.
  public var datapath: String
  /// Why it is the simulator, in a sentence; nil in the kernel.
  public var reason: String?
  public var runs: [Run]
  public var swap: Swap?
  /// nil in the simulator.
  public var inference: DemoInference?
}

/// A value at a time in seconds.
public struct TimedValue: Codable, Equatable, Sendable {
  public var time: Double
  public var value: Double

  public init(_ time: Double, _ value: Double) {
    self.time = time
    self.value = value
  }
}
