/// Samples in the order in which they came; the front goes first. A value.
struct SampleQueue: Sendable {
  private var items: [UInt64] = []
  private var head = 0

  var first: UInt64? { head < items.count ? items[head] : nil }
  var all: [UInt64] { Array(items[head...]) }

  mutating func append(_ sample: UInt64) { items.append(sample) }

  mutating func removeFirst() {
    head += 1
    if head > 64, head > items.count / 2 {
      items.removeFirst(head)
      head = 0
    }
  }

  mutating func removeAll(where isGone: (UInt64) -> Bool) {
    items = items[head...].filter { !isGone($0) }
    head = 0
  }
}
