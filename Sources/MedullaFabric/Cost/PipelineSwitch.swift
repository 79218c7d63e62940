/// A switch with match-action pipelines that recirculates packets, as the paper takes Intel's Tofino 2 to be.
///
/// K. Razavi et al., "Distributed DNN Serving in the Network Data Plane", EuroP4 2022, §2: four pipelines of
/// 1.5 billion packets a second, eight ports of 400 Gbit/s each, some tens of operations in a pass. Its time
/// of an inference divides all operations by what all pipelines can do, which is a bound of the rate; this
/// model tells besides what a pass takes, how many packets are there to be recirculated, and what bandwidth
/// they need.
package struct PipelineSwitch: Sendable, Equatable {
  package var pipelines = 4
  /// Of a pipeline, a second.
  package var packetsPerSecond = 1.5e9
  /// Of a layer's, in one pass of a packet. The paper's "less than 1,000,000" recirculations of conv2's ten
  /// million operations a pipeline make ten of it.
  package var operationsPerPass = 10.0
  /// From a pass's begin to the next one's, seconds. No figure of the paper's: vendors tell some hundred
  /// nanoseconds for a way through a switch.
  package var passSeconds = 400e-9
  /// Ethernet's of a pipeline, in either direction.
  package var bitsPerSecond = 8 * 400e9

  package init() {}

  /// Bytes of a frame on the wire beside itself: preamble, start and the gap.
  private static let wireBytes = 20.0

  /// The paper's bound: seconds of a layer where all pipelines do nothing else and never wait.
  package func computeSeconds(operations: Double) -> Double {
    operations / (Double(pipelines) * operationsPerPass * packetsPerSecond)
  }

  /// Passes that a pipeline makes for a layer.
  package func passes(operations: Double) -> Double {
    (operations / Double(pipelines) / operationsPerPass).rounded(.up)
  }

  /// Seconds of a layer of an inference that is alone: its packets go round, and no more of them than it has.
  package func aloneSeconds(operations: Double, packets: Double) -> Double {
    max(computeSeconds(operations: operations), passes(operations: operations) * passSeconds / packets)
  }

  /// Packets that must go round at once for a pipeline to be busy.
  package var busyPackets: Double { packetsPerSecond * passSeconds }

  /// Seconds of a layer where recirculated frames share the pipelines' own ports.
  package func recirculationSeconds(operations: Double, frameBytes: Double) -> Double {
    passes(operations: operations) * (frameBytes + Self.wireBytes) * 8 / bitsPerSecond
  }
}
