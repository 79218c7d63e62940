/// An object's key: numbers that the sender chose.
struct ObjectKey: TableKey {
  var object: UInt64
  var stream: UInt32

  @inline(__always)
  func mixed(with seed: UInt64) -> UInt64 {
    folded(folded(object ^ seed, 0xA076_1D64_78BD_642F) ^ UInt64(stream), 0xE703_7ED1_A0B4_28DB)
  }
}

struct StreamNumber: TableKey {
  var stream: UInt32

  func mixed(with seed: UInt64) -> UInt64 { folded(UInt64(stream) ^ seed, 0xA076_1D64_78BD_642F) }
}

/// An object that is under way. Lists go by numbers of slots and of pieces; -1 ends them.
struct ObjectSlot {
  enum State: UInt8 {
    case free
    case gathering
    case complete
    /// Expired while the consumer held pieces. Its key is free already.
    case expired
  }

  var key = ObjectKey(object: 0, stream: 0)
  var size: UInt32 = 0
  var total: UInt32 = 0
  var pieceSize: UInt32 = 0
  var digest: UInt32?
  var kind = PayloadKind.bytes
  var state = State.free
  var generation: UInt32 = 0
  /// Its stream's place in the table of streams.
  var stream: Int32 = -1
  var began: UInt64 = 0
  var deadline: UInt64 = 0
  var received: UInt32 = 0
  var receivedBytes: UInt32 = 0
  /// The pieces in the order in which they came: first those that are lent, from `unlent` on the others.
  var first: Int32 = -1
  var unlent: Int32 = -1
  var last: Int32 = -1
  var lent: UInt32 = 0
  /// Neighbours in its profile's list of deadlines; `later` also links free slots.
  var earlier: Int32 = -1
  var later: Int32 = -1

  /// Whether a later packet's header says of the object what the first one said.
  @inline(__always)
  func agrees(with header: PayloadHeader) -> Bool {
    size == header.size && total == header.total && kind == header.kind && digest == header.digest
  }

  /// Counts a piece and puts it at the end of the list.
  ///
  /// - Returns: the one before it (-1: none), whether the consumer had been lent all of them, and whether it
  ///   is the last one that was missing.
  @inline(__always)
  mutating func add(_ piece: Int32, length: UInt16) -> (before: Int32, isNews: Bool, completes: Bool) {
    let before = last
    let isNews = unlent < 0
    if before < 0 { first = piece }
    if isNews { unlent = piece }
    last = piece
    received += 1
    receivedBytes += UInt32(length)
    let completes = received == total
    if completes { state = .complete }
    return (before, isNews, completes)
  }
}

/// A piece that is kept.
struct PieceRecord {
  var frame: UInt64 = 0
  var source = 0
  var sequence: UInt32 = 0
  /// The next of its object, or the next free one.
  var next: Int32 = -1
}
