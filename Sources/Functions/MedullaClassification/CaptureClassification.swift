import Foundation
import MedullaBase
import MedullaDatapath
import MedullaFlows
import MedullaSnapshot

/// A capture's flows as a classifier would decide them, by the reference interpreter: the same integers as in
/// the kernel.
package struct CaptureClassification {
  package struct Decision: Sendable, Equatable {
    package let label: String
    /// In their fixed point.
    package let outputs: [Int64]
    /// Of the largest output before the next, in the outputs' fixed point.
    package var margin: Int64 { ClassAnswer(outputs).margin }
    /// The packet of the flow's after which it was made, counted from 1.
    package let packet: UInt64
  }

  package let meter: FlowMeter
  /// By the flow's place among `meter.flows`; nil: it was never time.
  package let decisions: [Decision?]
  package let labels: [String]
  let outputFractionBits: Int

  /// - Throws: `badBundle` for a network that does not name its features, `CaptureError`.
  package init(
    _ capture: CaptureFile, by file: SnapshotFile, named name: String, at moment: DecisionMoment,
    idle: Duration, broken: (CaptureError) -> Void
  ) throws {
    let shape = file.snapshot.shape
    guard let flows = shape.flows else {
      throw DatapathError(
        .badBundle, "\(name) does not say which features of flows its inputs are",
        remedy: "compile its model with --features FILE")
    }
    let inputs = try FlowInputs(flows.features, fractionBits: shape.featureFractionBits)
    let labels = flows.labels.isEmpty ? (0..<shape.outputs).map(String.init) : flows.labels
    let interpreter = ReferenceInterpreter(file.snapshot)
    var decisions: [Decision?] = []
    meter = try FlowMeter.measure(capture, idle: idle, broken: broken) { place, flow in
      if place == decisions.count { decisions.append(nil) }
      guard moment.isNow(flow, decided: decisions[place] != nil) else { return }
      let outputs = interpreter.run(features: inputs.words(of: flow))
      decisions[place] = Decision(
        label: labels[ClassAnswer(outputs).row], outputs: outputs, packet: flow.packets)
    }
    self.decisions = decisions
    self.labels = labels
    outputFractionBits = shape.outputFractionBits
  }

  /// One flow, for people and as JSON.
  package struct Row: Encodable, Equatable {
    package let sourceIp: String
    package let sourcePort: UInt16
    package let destinationIp: String
    package let destinationPort: UInt16
    package let `protocol`: UInt8
    package let packets: UInt64
    package let bytes: UInt64
    /// The class with the largest output; null while it was never time to decide.
    @Nullable package var label: String?
    /// In the network's units.
    @Nullable package var margin: Double?
    /// Whether the flow has a class: not while it is pending, and not when the margin is too small.
    package let decided: Bool

    enum CodingKeys: String, CodingKey {
      case `protocol`, packets, bytes, label, margin, decided
      case sourceIp = "source_ip"
      case sourcePort = "source_port"
      case destinationIp = "destination_ip"
      case destinationPort = "destination_port"
    }
  }

  /// - Parameter margin: in the network's units: below it a flow is unsure.
  package func rows(margin least: Double) -> [Row] {
    let scale = Double(Int64(1) << Int64(outputFractionBits))
    let fixed = ClassifierSettings.fixed(least, bits: outputFractionBits)
    return zip(meter.flows, decisions).map { flow, decision in
      Row(
        sourceIp: flow.sourceAddress, sourcePort: flow.sourcePort, destinationIp: flow.destinationAddress,
        destinationPort: flow.destinationPort, protocol: flow.transport, packets: flow.packets,
        bytes: flow.bytes, label: decision?.label, margin: decision.map { Double($0.margin) / scale },
        decided: decision.map { $0.margin >= fixed } ?? false)
    }
  }
}
