/// A flow that is open, or has ended and waits for its consumer.
///
/// Its segments are one list in the order of the stream: what is lent, what is in order, what is behind a
/// gap.
struct StreamSlot {
  enum State: UInt8 {
    case free
    case open
    case ended
  }

  var key: StreamKey
  var state = State.free
  var isTCP = false
  var ending = StreamEnding.whole
  var generation: UInt32 = 0
  var began: UInt64 = 0
  var touched: UInt64 = 0
  /// The sequence number of the stream's first byte.
  var start: UInt32 = 0
  /// Bytes that have come without a gap.
  var length = 0
  /// Where the stream ends; -1: no FIN has told it.
  var end = -1
  var first: Int32 = -1
  /// The last segment in order, the last that is lent, and the last that begins in the head; -1: none is
  /// held.
  var ordered: Int32 = -1
  var lastLent: Int32 = -1
  var headLast: Int32 = -1
  var held: Int32 = 0
  /// Segments for which there was no room.
  var refused: UInt32 = 0
  var lent: Int32 = 0
}

/// Bytes of a segment that are kept. What fills several gaps is several of these, in a ring by their frame.
struct SegmentRecord {
  var frame: UInt64 = 0
  var source = 0
  var position = 0
  var length: Int32 = 0
  var next: Int32 = -1
  var sibling: Int32 = -1

  var end: Int { position + Int(length) }
}
