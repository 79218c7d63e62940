/// A decided flow that labels are wanted of.
package struct LabelRequest: Sendable, Equatable, Codable {
  /// `FunctionSample.id`.
  package let sample: UInt64
  /// When it was decided, of the monotonic clock.
  package let nanoseconds: UInt64
  /// nil: what is asked about is no flow, such as a row of a table.
  package let flow: FlowEndpoints?
  /// The network's inputs in their units, in the schema's order.
  package let features: [Double]
  /// Exact numbers that the sample has beside its inputs, by the names of the features that they are.
  package let facts: [String: Double]
  /// The class that the network in the datapath gave; nil: it was unsure.
  package let prediction: Int?
  /// Of its largest output before the next, in the outputs' units.
  package let margin: Double

  package init(
    sample: UInt64, nanoseconds: UInt64 = 0, flow: FlowEndpoints? = nil, features: [Double],
    facts: [String: Double] = [:], prediction: Int? = nil, margin: Double = 0
  ) {
    self.sample = sample
    self.nanoseconds = nanoseconds
    self.flow = flow
    self.features = features
    self.facts = facts
    self.prediction = prediction
    self.margin = margin
  }
}

/// Who talks with whom: the direction of the flow's first packet.
package struct FlowEndpoints: Sendable, Hashable, Codable {
  /// Sixteen bytes of IPv6, four of IPv4.
  package let source: [UInt8]
  package let destination: [UInt8]
  package let sourcePort: UInt16
  package let destinationPort: UInt16
  /// The number of the protocol over IP: 6 is TCP, 17 UDP.
  package let transport: UInt8

  package init(
    source: [UInt8], destination: [UInt8], sourcePort: UInt16, destinationPort: UInt16, transport: UInt8
  ) {
    self.source = source
    self.destination = destination
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
    self.transport = transport
  }
}
