import TestbedLink
import TestbedMeasures

/// What the demonstration saw.
package struct DemoOutcome: Codable, Sendable {
  /// One congestion control on the link.
  package struct Run: Codable, Sendable {
    package var congestion: String
    package var goodputMbps: Double
    package var rttMeanMs: Double
    package var rttP95Ms: Double
    package var queueingDelayMeanMs: Double
    package var retransmits: Int
    /// Time of one inference where the network ran: the mean, and the quickest.
    package var nsPerInference: Double?
    package var nsPerInferenceLeast: Double?
    package var rate: [TimedValue]
    package var rtt: [TimedValue]
    package var fellBehind: Bool
  }

  /// The run in which the snapshot changes.
  package struct Swap: Codable, Sendable {
    /// Seconds since the first flow's start.
    package var time: Double
    package var secondFlowTime: Double
    /// How long the command took, everything included.
    package var milliseconds: Double
    package var before: [DemoSlot]
    package var after: [DemoSlot]
    /// Goodput over time of the flow that ran through the swap, and of the one that started after it.
    package var first: [TimedValue]
    package var second: [TimedValue]
    package var retransmits: Int
  }

  /// The run in which a rival joins the network's flow, and leaves it again.
  package struct Beside: Codable, Sendable {
    package var rival: String
    /// Seconds since the first flow's start.
    package var from: Double
    package var until: Double
    /// Goodput of both while they share the link and have settled, and of the network's flow after that.
    package var ownMbps: Double
    package var rivalMbps: Double
    package var afterMbps: Double
    /// Mean wait in the bottleneck's queue before the rival came, beside it, and from four seconds after
    /// it has gone.
    package var queueBeforeMs: Double
    package var queueBesideMs: Double
    package var queueAfterMs: Double
    package var own: [TimedValue]
    package var other: [TimedValue]
    package var fellBehind: Bool
  }

  package var plan: DemoPlan
  package var host: HostFacts
  /// Where the network ran: `kernel` or `simulator`.
  package var datapath: String
  /// Why it is the simulator, in a sentence; nil in the kernel.
  package var reason: String?
  package var runs: [Run]
  package var beside: Beside?
  package var swap: Swap?
  /// nil in the simulator.
  package var inference: DemoInference?
}
