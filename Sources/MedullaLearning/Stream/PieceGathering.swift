import MedullaBase
import MedullaPayload

/// Copies an object's pieces from packet memory to where it is used.
enum PieceGathering {
  /// Pieces of one object; one of 2³² bytes in payloads of 64 has no more.
  static let pieceLimit = 1 << 26

  /// - Throws: `malformedBatch` when the pieces are not each byte of the object once, or not all in memory;
  ///   nothing was copied then.
  static func gather(
    _ pieces: [PayloadPiece], from memory: UnsafeRawBufferPointer, to object: UnsafeMutableRawBufferPointer
  ) throws(LearningError) {
    guard pieces.count <= pieceLimit else {
      throw LearningError(.malformedBatch, "\(pieces.count) pieces; an object has at most \(pieceLimit)")
    }
    if !isWhole(pieces, object.count) {
      guard isWhole(pieces.sorted { $0.destination < $1.destination }, object.count) else {
        throw LearningError(
          .malformedBatch, "the \(pieces.count) pieces are not each of \(object.count) bytes once")
      }
    }
    for piece in pieces
    where piece.source < 0 || piece.length > memory.count || piece.source > memory.count - piece.length {
      throw LearningError(
        .malformedBatch,
        "a piece of \(piece.length) bytes from \(piece.source) on is not in the memory of \(memory.count)")
    }
    guard let from = memory.baseAddress, let to = object.baseAddress else { return }
    for piece in pieces {
      (to + piece.destination).copyMemory(from: from + piece.source, byteCount: piece.length)
    }
  }

  /// Whether pieces, in order of their destination, cover so many bytes without gap or overlap.
  private static func isWhole(_ pieces: [PayloadPiece], _ count: Int) -> Bool {
    var end = 0
    for piece in pieces {
      guard piece.destination == end, piece.length > 0, piece.length <= count - end else { return false }
      end += piece.length
    }
    return end == count
  }
}
