import CMedullaFabric
import MedullaFabric

/// What holds for frames that come to a fabric's switch or client, on any bytes at all.
package enum CellProperties {
  /// - Returns: what does not hold; nil: all does.
  package static func violation(_ bytes: [UInt8]) -> String? {
    let cell: FabricCell
    do {
      cell = try FabricCell(bytes)
    } catch {
      return nil
    }
    let header = cell.header
    guard cell.payload.count == Int(header.length),
      Int(FABRIC_HEADER_BYTES) + cell.payload.count <= bytes.count
    else { return "a payload of \(cell.payload.count) bytes, and \(header.length) by its header" }
    guard header.chunk < header.chunks, header.chunks <= UInt16(FABRIC_CHUNK_LIMIT) else {
      return "chunk \(header.chunk) of \(header.chunks)"
    }
    guard (UInt8(FABRIC_DATA.rawValue)..<UInt8(FABRIC_TYPES.rawValue)).contains(header.type) else {
      return "type \(header.type)"
    }
    // What is written again is the same cell.
    let size = min(bytes.count, Int(FABRIC_CELL_LIMIT)) - Int(FABRIC_HEADER_BYTES)
    guard cell.payload.count <= size else { return nil }
    let again = FabricCell.frame(header, payload: cell.payload, size: size)
    guard let read = try? FabricCell(again) else { return "what was written cannot be read" }
    return read == cell ? nil : "what was written is another cell"
  }
}
