/// The segments of all flows, in one array of a fixed size.
struct SegmentPool {
  private(set) var records: ContiguousArray<SegmentRecord>
  private var free: Int32 = -1
  private(set) var freeCount: Int
  private(set) var heldFrames = 0
  /// Frames that nobody has fetched yet.
  private(set) var released: ContiguousArray<UInt64> = []
  private let frames: Int

  init(frames: Int) {
    self.frames = frames
    records = ContiguousArray(repeating: SegmentRecord(), count: frames)
    freeCount = frames
    released.reserveCapacity(frames)
    for record in records.indices.reversed() {
      records[record].next = free
      free = Int32(record)
    }
  }

  var storageBytes: Int {
    records.capacity * MemoryLayout<SegmentRecord>.stride + released.capacity * 8
  }

  /// Whether another frame can be kept, in so many parts.
  func hasRoom(parts: Int) -> Bool { heldFrames + released.count < frames && parts <= freeCount }

  /// - Parameter sibling: another part of the same frame; -1: this is the first.
  mutating func take(
    frame: UInt64, source: Int, position: Int, length: Int, next: Int32, sibling: Int32
  ) -> Int32 {
    let record = free
    free = records[Int(record)].next
    freeCount -= 1
    var ring = record
    if sibling >= 0 {
      ring = records[Int(sibling)].sibling
      records[Int(sibling)].sibling = record
    } else {
      heldFrames += 1
    }
    records[Int(record)] = SegmentRecord(
      frame: frame, source: source, position: position, length: Int32(length), next: next, sibling: ring)
    return record
  }

  /// Frees a record, and with the last of its frame the frame.
  ///
  /// - Returns: the one that came behind it.
  @discardableResult
  mutating func release(_ record: Int32) -> Int32 {
    let place = Int(record)
    let next = records[place].next
    var before = records[place].sibling
    if before == record {
      released.append(records[place].frame)
      heldFrames -= 1
    } else {
      // A ring is no longer than the gaps that one segment has filled.
      while records[Int(before)].sibling != record { before = records[Int(before)].sibling }
      records[Int(before)].sibling = records[place].sibling
    }
    records[place].next = free
    free = record
    freeCount += 1
    return next
  }

  mutating func link(_ record: Int32, to next: Int32) { records[Int(record)].next = next }

  mutating func drain(_ receive: (UnsafeBufferPointer<UInt64>) -> Void) {
    guard !released.isEmpty else { return }
    released.withUnsafeBufferPointer(receive)
    released.removeAll(keepingCapacity: true)
  }
}
