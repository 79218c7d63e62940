/// Some of a stage's channels on a switch.
package struct PlacedPart: Sendable, Equatable, Codable {
  /// Of the network's stages.
  package let stage: Int
  package let node: String
  package let firstChannel: Int
  package let channelCount: Int
  package let memoryBytes: Int
  /// Multiply-accumulates of an inference.
  package let operations: Int

  package var channels: Range<Int> { firstChannel..<firstChannel + channelCount }

  private enum CodingKeys: String, CodingKey {
    case stage, node = "switch", firstChannel, channelCount, memoryBytes, operations
  }
}

/// Where each stage of a network is.
package struct Placement: Sendable, Equatable {
  /// By stage, then by channel.
  package let parts: [PlacedPart]
  package let cost: PlacementCost

  package func nodes(of stage: Int) -> [String] { parts.filter { $0.stage == stage }.map(\.node) }
}

/// What is made small, in this order: the work of the busiest processor, which bounds the rate of inferences;
/// bytes times hops; switches that are used.
package struct PlacementCost: Sendable, Equatable, Comparable {
  /// Multiply-accumulates of the busiest processor.
  package var busiest: Double
  package var byteHops: Int
  package var switches: Int

  package init(busiest: Double = 0, byteHops: Int = 0, switches: Int = 0) {
    (self.busiest, self.byteHops, self.switches) = (busiest, byteHops, switches)
  }

  package static func < (one: PlacementCost, other: PlacementCost) -> Bool {
    (one.busiest, one.byteHops, one.switches) < (other.busiest, other.byteHops, other.switches)
  }
}
