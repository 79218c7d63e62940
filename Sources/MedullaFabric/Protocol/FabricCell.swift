import CMedullaFabric

/// A cell that was received.
package struct FabricCell: Sendable, Equatable {
  /// Why a frame is no cell.
  package enum Refusal: Error, Sendable, Equatable {
    /// Of another protocol.
    case other
    /// Cut in its header, or before the end of its payload.
    case cut
    /// Of another version of the protocol.
    case foreign
    /// A field has a value that it cannot have.
    case wrong
    /// It was damaged on its way.
    case damaged
  }

  package let header: fabric_cell
  /// What means something.
  package let payload: [UInt8]

  /// - Parameter frame: as it lies on the link, with its link header.
  package init(_ frame: [UInt8]) throws(Refusal) {
    guard frame.count >= Int(FABRIC_LINK_BYTES) else { throw .other }
    guard frame.count >= Int(FABRIC_HEADER_BYTES) else {
      let isOurs = frame[12] == FABRIC_ETHERTYPE >> 8 && frame[13] == FABRIC_ETHERTYPE & 0xff
      throw isOurs ? .cut : .other
    }
    var header = fabric_cell()
    switch fabric_parse(frame, UInt32(frame.count), &header) {
    case 0: break
    case FABRIC_OTHER: throw .other
    case FABRIC_SHORT: throw .cut
    case FABRIC_FOREIGN: throw .foreign
    default: throw .wrong
    }
    guard header.checksum == 0 || header.checksum == fabric_checksum(frame, UInt32(frame.count)) else {
      throw .damaged
    }
    self.header = header
    payload = Array(frame[Int(FABRIC_HEADER_BYTES)...].prefix(Int(header.length)))
  }

  /// The frame of a cell: all cells of a plan have one size, so zeros fill it up.
  ///
  /// - Parameters:
  ///   - header: its `length` is the payload's, its `checksum` is made.
  ///   - size: bytes of payload in a cell, at least the payload's.
  package static func frame(
    _ header: fabric_cell, payload: [UInt8], size: Int, to destination: [UInt8] = broadcast,
    from source: [UInt8] = own
  ) -> [UInt8] {
    precondition(payload.count <= size && Int(FABRIC_HEADER_BYTES) + size <= Int(FABRIC_CELL_LIMIT))
    var header = header
    header.length = UInt16(payload.count)
    header.checksum = 0
    var frame = [UInt8](repeating: 0, count: Int(FABRIC_HEADER_BYTES) + size)
    frame.replaceSubrange(0..<12, with: destination.prefix(6) + source.prefix(6))
    frame.replaceSubrange(
      Int(FABRIC_HEADER_BYTES)..<Int(FABRIC_HEADER_BYTES) + payload.count, with: payload)
    fabric_write(&frame, &header)
    header.checksum = fabric_checksum(frame, UInt32(frame.count))
    fabric_write(&frame, &header)
    return frame
  }

  package static let broadcast = [UInt8](repeating: 0xff, count: 6)
  /// Locally administered.
  package static let own: [UInt8] = [2, 0, 0, 0, 0, 1]

  /// Of the same header and payload, however long their frames are.
  package static func == (one: FabricCell, other: FabricCell) -> Bool {
    let size = max(one.payload.count, other.payload.count)
    return frame(one.header, payload: one.payload, size: size)
      == frame(other.header, payload: other.payload, size: size)
  }
}
