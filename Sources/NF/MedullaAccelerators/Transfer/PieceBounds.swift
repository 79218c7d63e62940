import MedullaPayload

/// Holds pieces to the memory and the tensor that they are of: the device would write wherever it is told.
enum PieceBounds {
  /// Pieces of one call.
  static let pieceLimit = 65_536
  /// Bytes of one: kernels count them in 32 bits.
  static let byteLimit = 1 << 30

  /// - Throws: `outOfBounds` with the first piece that leaves either.
  static func check(
    _ pieces: [PayloadPiece], memory: Int, tensor: Int
  ) throws(AcceleratorError) {
    guard pieces.count <= pieceLimit else {
      throw AcceleratorError(
        .outOfBounds, "\(pieces.count) pieces are too many for one call",
        remedy: "hand over at most \(pieceLimit) at a time")
    }
    for (index, piece) in pieces.enumerated() {
      guard lies(piece.source, piece.length, in: memory) else {
        throw AcceleratorError(
          .outOfBounds, "piece \(index) leaves the packet memory",
          cause: "\(piece.length) bytes at \(piece.source) of \(memory)")
      }
      guard lies(piece.destination, piece.length, in: tensor) else {
        throw AcceleratorError(
          .outOfBounds, "piece \(index) leaves its tensor",
          cause: "\(piece.length) bytes at \(piece.destination) of \(tensor)")
      }
    }
  }

  private static func lies(_ offset: Int, _ length: Int, in size: Int) -> Bool {
    offset >= 0 && (0...byteLimit).contains(length) && length <= size && offset <= size - length
  }
}
