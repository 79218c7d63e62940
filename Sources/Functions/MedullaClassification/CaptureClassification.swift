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

  /// A flow when it has just been decided.
  package struct Moment {
    /// The flow's place among `meter.flows`.
    package let place: Int
    package let flow: FlowRecord
    /// The network's inputs in their units.
    package let inputs: [Double]
    package let decision: Decision
    /// The margin in the network's units.
    package let margin: Double
  }

  package let meter: FlowMeter
  /// By the flow's place among `meter.flows`; nil: it was never time.
  package let decisions: [Decision?]
  package let labels: [String]
  let outputFractionBits: Int

  /// - Parameters:
  ///   - before: is told of each frame before its flow is measured.
  ///   - decided: is told of each decision when it has just been made.
  /// - Throws: `badBundle` for a network that does not name its features, `CaptureError`.
  package init(
    _ capture: CaptureFile, by file: SnapshotFile, named name: String, at moment: DecisionMoment,
    idle: Duration, broken: (CaptureError) -> Void, before: (CaptureFrame) -> Void = { _ in },
    decided: (Moment) -> Void = { _ in }
  ) throws {
    let shape = file.snapshot.shape
    guard let flows = shape.flows else {
      throw DatapathError(
        .badBundle, "\(name) does not say which features of flows its inputs are",
        remedy: "compile its model with --features FILE")
    }
    let inputs = try FlowInputs(flows.features, fractionBits: shape.featureFractionBits)
    let labels = Self.labels(of: file)
    let inputScale = Double(Int64(1) << Int64(shape.featureFractionBits))
    let outputScale = Double(Int64(1) << Int64(shape.outputFractionBits))
    let interpreter = ReferenceInterpreter(file.snapshot)
    var decisions: [Decision?] = []
    func measured(_ place: Int, _ flow: FlowRecord) {
      if place == decisions.count { decisions.append(nil) }
      guard moment.isNow(flow, decided: decisions[place] != nil) else { return }
      let words = inputs.words(of: flow)
      let outputs = interpreter.run(features: words)
      let answer = ClassAnswer(outputs)
      let decision = Decision(label: labels[answer.row], outputs: outputs, packet: flow.packets)
      decisions[place] = decision
      decided(
        Moment(
          place: place, flow: flow, inputs: words.map { Double($0) / inputScale }, decision: decision,
          margin: Double(answer.margin) / outputScale))
    }
    meter = try FlowMeter.measure(capture, idle: idle, broken: broken, after: measured, before: before)
    self.decisions = decisions
    self.labels = labels
    outputFractionBits = shape.outputFractionBits
  }

  /// Of a network's classes, in the order of its outputs; their numbers where it does not name them.
  package static func labels(of file: SnapshotFile) -> [String] {
    let shape = file.snapshot.shape
    return shape.flows.flatMap { $0.labels.isEmpty ? nil : $0.labels } ?? (0..<shape.outputs).map(String.init)
  }

  /// One flow, for people and as JSON.
  package struct Row: Encodable, Equatable {
    package let sourceIp: String
    package let sourcePort: UInt16
    package let destinationIp: String
    package let destinationPort: UInt16
    package let `protocol`: UInt8
    /// Frames as they were on the wire; forward is the first one's direction.
    package let packets: UInt64
    package let packetsForward: UInt64
    package let packetsBackward: UInt64
    package let bytes: UInt64
    package let bytesForward: UInt64
    package let bytesBackward: UInt64
    /// The class with the largest output; null while it was never time to decide.
    @Nullable package var label: String?
    /// In the network's units.
    @Nullable package var margin: Double?
    /// Whether the flow has a class: not while it is pending, and not when the margin is too small.
    package let decided: Bool

    enum CodingKeys: String, CodingKey {
      case `protocol`, packets, bytes, label, margin, decided
      case packetsForward = "packets_forward"
      case packetsBackward = "packets_backward"
      case bytesForward = "bytes_forward"
      case bytesBackward = "bytes_backward"
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
        packetsForward: flow.forward.packets, packetsBackward: flow.backward.packets, bytes: flow.bytes,
        bytesForward: flow.forward.bytes, bytesBackward: flow.backward.bytes, label: decision?.label,
        margin: decision.map { Double($0.margin) / scale },
        decided: decision.map { $0.margin >= fixed } ?? false)
    }
  }
}
