import CMedullaABI
import Foundation
import MedullaSnapshot

/// What the shipped scheduling function would tell a network of a flow at the sender's egress, as far as a
/// simulator can know it: the features of its example, by their names in `medulla features list`, as
/// log2(1 + x) in the kernel's fixed point.
///
/// | feature | here |
/// | --- | --- |
/// | `payload_forward` | payload that has left, with the packet that asks; at first the first write |
/// | `recent_bytes_1` to `_3` | frames of the same two hosts' flows before it, as far as they can have left |
/// | `recent_gap_1` | µs since the last of them began |
///
/// The function remembers flows by their hosts: it does not see which application opened them.
package struct FlowSizeFeatures: Sendable {
  package static let inputs = [
    "payload_forward", "recent_bytes_1", "recent_gap_1", "recent_bytes_2", "recent_bytes_3",
  ].map { InputFeature(name: $0, scale: .log2) }
  static let fractionBits = 16

  /// Of Ethernet, IP and TCP with timestamps, and what a full packet of the scenario carries.
  static let headerBytes = 66
  static let segmentBytes = 8_948
  /// A host's link: what a flow that goes on can have sent by now.
  private static let bytesPerNanosecond = FabricWorkload().hostGbps / 8
  /// As many as the function keeps.
  private static let remembered = Int(FLOW_RECENT)

  /// A flow as one end's egress sees it.
  private struct Seen {
    var begun: Int
    var bytes: Int

    func bytes(by now: Int) -> Int {
      min(bytes, Int(Double(now - begun) * FlowSizeFeatures.bytesPerNanosecond))
    }
  }

  private struct Ends: Hashable {
    var own: Int
    var peer: Int
  }

  /// Features of flows in their order of arrival, each without its first, the payload.
  package static func atStart(of flows: [FabricFlow]) -> [[Float]] {
    var seen: [Ends: [Seen]] = [:]
    return flows.map { flow in
      let now = flow.startNanoseconds
      let ends = Ends(own: flow.source, peer: flow.destination)
      let past = seen[ends] ?? []
      let bytes = (0..<3).map { $0 < past.count ? past[$0].bytes(by: now) : 0 }
      let gap = past.first.map { (now - $0.begun) / 1000 } ?? 0
      let segments = (flow.bytes + segmentBytes - 1) / segmentBytes
      let data = Seen(begun: now, bytes: flow.bytes + segments * headerBytes)
      seen[ends] = Array(([data] + past).prefix(remembered))
      // The other end's egress sees its acknowledgements.
      let back = Ends(own: flow.destination, peer: flow.source)
      let answers = Seen(begun: now, bytes: segments * headerBytes)
      seen[back] = Array(([answers] + (seen[back] ?? [])).prefix(remembered))
      return [bytes[0], gap, bytes[1], bytes[2]].map(logarithm)
    }
  }

  /// The feature of the payload, once `sent` bytes have left.
  package static func payload(_ flow: FabricFlow, sent: Int) -> Float {
    logarithm(max(sent, flow.firstWriteBytes))
  }

  /// Exact: of the fixed point's bits a float keeps 24, and no value here has more.
  private static func logarithm(_ value: Int) -> Float {
    Float(flow_input_log2(UInt64(max(0, value)), UInt32(fractionBits))) / Float(1 << fractionBits)
  }
}
