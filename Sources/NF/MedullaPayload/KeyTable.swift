/// A key of a table: words that are mixed with the table's seed, so that senders cannot choose where they
/// fall.
protocol TableKey: Equatable, Sendable {
  func mixed(with seed: UInt64) -> UInt64
}

/// One round of mixing: both halves of a product.
@inline(__always)
func folded(_ word: UInt64, _ other: UInt64) -> UInt64 {
  let (high, low) = word.multipliedFullWidth(by: other)
  return high ^ low
}

/// Small numbers by key, in one array of a fixed size.
///
/// Open addressing with linear probing at a load of at most one half; what is removed leaves no mark, because
/// those behind it move up.
struct KeyTable<Key: TableKey> {
  private struct Entry {
    var key: Key
    /// -1: no entry.
    var value: Int32
  }

  private var entries: ContiguousArray<Entry>
  private let mask: Int
  private let seed: UInt64

  /// - Parameters:
  ///   - count: keys at a time, which the caller sees to.
  ///   - filler: any key.
  init(count: Int, seed: UInt64, filler: Key) {
    var capacity = 16
    while capacity < 2 * count { capacity *= 2 }
    entries = ContiguousArray(repeating: Entry(key: filler, value: -1), count: capacity)
    mask = capacity - 1
    self.seed = folded(seed ^ 0x9E37_79B9_7F4A_7C15, 0xBF58_476D_1CE4_E5B9)
  }

  var storageBytes: Int { entries.capacity * MemoryLayout<Entry>.stride }

  @inline(__always)
  private func home(_ key: Key) -> Int { Int(truncatingIfNeeded: key.mixed(with: seed)) & mask }

  /// Where the key is, or the empty place where it would be.
  @inline(__always)
  private func place(_ key: Key) -> Int {
    var at = home(key)
    while entries[at].value >= 0, entries[at].key != key { at = (at + 1) & mask }
    return at
  }

  /// -1: the key has no number.
  @inline(__always)
  func number(of key: Key) -> Int { Int(entries[place(key)].value) }

  /// Gives the key another number, and tells the one that it had.
  @discardableResult
  mutating func set(_ key: Key, _ number: Int) -> Int {
    let at = place(key)
    let before = Int(entries[at].value)
    entries[at] = Entry(key: key, value: Int32(number))
    return before
  }

  mutating func remove(_ key: Key) {
    var hole = place(key)
    guard entries[hole].value >= 0 else { return }
    var at = (hole + 1) & mask
    while entries[at].value >= 0 {
      // It may move up only if that is not before its home.
      if (at - home(entries[at].key)) & mask >= (at - hole) & mask {
        entries[hole] = entries[at]
        hole = at
      }
      at = (at + 1) & mask
    }
    entries[hole].value = -1
  }
}
