/// Which keys are under way, in which slot, and which have ended lately, and how: all in arrays of a fixed
/// size.
struct KeyLedger<Key: TableKey> {
  enum Finding: Equatable {
    case unknown
    case live(slot: Int)
    /// The reason is the caller's own number.
    case ended(reason: UInt8)
  }

  private struct Ended {
    var key: Key
    var time: UInt64 = 0
    var reason: UInt8 = 0
    /// False once its key has begun or ended anew.
    var isKept = false
  }

  /// Below `slots`: the slot; else the place among the ended ones behind it.
  private var table: KeyTable<Key>
  private var ended: ContiguousArray<Ended>
  private var oldest = 0
  private let slots: Int
  private let memory: UInt64

  /// - Parameters:
  ///   - slots: keys under way at a time.
  ///   - ended: ended ones that are remembered, at least one; the oldest are forgotten first.
  ///   - memory: nanoseconds after which an ended key may begin anew.
  ///   - filler: any key.
  init(slots: Int, ended count: Int, memory: UInt64, seed: UInt64, filler: Key) {
    table = KeyTable(count: slots + count, seed: seed, filler: filler)
    ended = ContiguousArray(repeating: Ended(key: filler), count: count)
    self.slots = slots
    self.memory = memory
  }

  var storageBytes: Int { table.storageBytes + ended.capacity * MemoryLayout<Ended>.stride }

  @inline(__always)
  func find(_ key: Key, at now: UInt64) -> Finding {
    let number = table.number(of: key)
    if number < 0 { return .unknown }
    if number < slots { return .live(slot: number) }
    let past = ended[number - slots]
    return now - min(past.time, now) > memory ? .unknown : .ended(reason: past.reason)
  }

  /// The key is under way from now on, whatever it was before.
  mutating func begin(_ key: Key, slot: Int) {
    let before = table.set(key, slot)
    if before >= slots { ended[before - slots].isKept = false }
  }

  /// The key has ended; the ended one that is remembered longest is forgotten if there is no more room.
  mutating func end(_ key: Key, reason: UInt8, at now: UInt64) {
    if ended[oldest].isKept { table.remove(ended[oldest].key) }
    ended[oldest].isKept = false
    let before = table.set(key, slots + oldest)
    if before >= slots { ended[before - slots].isKept = false }
    ended[oldest] = Ended(key: key, time: now, reason: reason, isKept: true)
    oldest = oldest + 1 == ended.count ? 0 : oldest + 1
  }
}
