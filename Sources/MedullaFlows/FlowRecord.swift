import CMedullaABI

/// One flow of a capture, both directions; forward is that of its first packet.
package struct FlowRecord {
  typealias Address = (
    UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8,
    UInt8
  )

  private let source: Address
  private let destination: Address
  var state: flow_state

  init(source: Address, destination: Address, state: flow_state) {
    (self.source, self.destination, self.state) = (source, destination, state)
  }

  /// Four bytes of IPv4, sixteen of IPv6.
  package var sourceBytes: [UInt8] { bytes(source) }
  package var destinationBytes: [UInt8] { bytes(destination) }
  package var sourceAddress: String { text(source) }
  package var destinationAddress: String { text(destination) }
  package var sourcePort: UInt16 { UInt16(bigEndian: state.ports.0) }
  package var destinationPort: UInt16 { UInt16(bigEndian: state.ports.1) }
  package var transport: UInt8 { state.protocol }

  /// So far, in both directions.
  package var packets: UInt64 { forward.packets + backward.packets }
  package var bytes: UInt64 { forward.bytes + backward.bytes }

  /// Frames of one direction, and their lengths on the wire.
  package struct Way: Sendable, Equatable {
    package let packets: UInt64
    package let bytes: UInt64

    fileprivate init(_ way: flow_way) {
      (packets, bytes) = (UInt64(way.lengths.count), way.lengths.sum)
    }
  }

  /// That of the first packet, and the other.
  package var forward: Way { Way(state.ways.0) }
  package var backward: Way { Way(state.ways.1) }
  /// Whether every direction that was seen has sent FIN, or one has sent RST.
  package var hasEnded: Bool {
    var state = state
    return flow_has_ended(&state) != 0
  }

  /// Whether it is over at a time, in microseconds: silent for too long, or ended a while ago.
  func isOver(at time: UInt64, idle: UInt64) -> Bool {
    var state = state
    var none = medulla_packet()
    return flow_is_over(&state, &none, time, idle) != 0
  }

  /// By `FlowFeature.all`.
  package var features: [UInt64] {
    var state = state
    return [UInt64](unsafeUninitializedCapacity: FlowFeature.all.count) { buffer, count in
      flow_all_features(&state, buffer.baseAddress)
      count = buffer.count
    }
  }

  private func bytes(_ address: Address) -> [UInt8] {
    withUnsafeBytes(of: address) { Array($0.prefix(state.version == 4 ? 4 : 16)) }
  }

  private func text(_ address: Address) -> String {
    withUnsafeBytes(of: address) { AddressText.text(Array($0.prefix(state.version == 4 ? 4 : 16))) }
  }
}
