import CMedullaFabric

/// Cells: frames of one size that carry a piece of a layer's inputs.
package struct CellFormat: Sendable, Equatable, Codable {
  /// Link header and the fabric's own.
  package static let headerBytes = Int(FABRIC_HEADER_BYTES)
  package static let standardPayloadBytes = 1_200

  package let payloadBytes: Int

  package init(payloadBytes: Int = standardPayloadBytes) { self.payloadBytes = payloadBytes }

  package var bytes: Int { Self.headerBytes + payloadBytes }

  /// Cells that so many bytes take.
  package func count(for bytes: Int) -> Int { (bytes + payloadBytes - 1) / payloadBytes }
}
