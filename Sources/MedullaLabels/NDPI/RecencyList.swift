/// Places in the order in which they were last used: each step takes the same time, however many there are.
struct RecencyList {
  private static let none: Int32 = -1
  /// Of each place, that which was used just before it, and just after.
  private var older: [Int32] = []
  private var newer: [Int32] = []
  private var first = none
  private var last = none

  /// The place that was not used for longest.
  var oldest: Int? { first == Self.none ? nil : Int(first) }

  /// Takes in a place, which is the next one that was never there or one that was taken out.
  mutating func insert(_ place: Int) {
    if place == older.count {
      older.append(Self.none)
      newer.append(Self.none)
    }
    older[place] = last
    newer[place] = Self.none
    if last == Self.none { first = Int32(place) } else { newer[Int(last)] = Int32(place) }
    last = Int32(place)
  }

  mutating func remove(_ place: Int) {
    let (before, after) = (older[place], newer[place])
    if before == Self.none { first = after } else { newer[Int(before)] = after }
    if after == Self.none { last = before } else { older[Int(after)] = before }
  }

  /// The place is used now.
  mutating func use(_ place: Int) {
    guard last != Int32(place) else { return }
    remove(place)
    insert(place)
  }
}
