/// Samples in the order in which they came; the front goes first. A value.
struct SampleQueue: Sendable {
  private var items: [UInt64] = []
  private var head = 0

  var first: UInt64? { head < items.count ? items[head] : nil }
  var all: [UInt64] { Array(items[head...]) }
  private var count: Int { items.count - head }

  mutating func append(_ sample: UInt64) { items.append(sample) }

  mutating func removeFirst() {
    head += 1
    if head > 64, head > items.count / 2 {
      items.removeFirst(head)
      head = 0
    }
  }

  /// Forgets what is no longer there, once that is the greater part: what was taken out of the middle.
  mutating func tidy(_ isThere: (UInt64) -> Bool) {
    let present = items[head...].count(where: isThere)
    guard count > 64, present < count / 2 else { return }
    items = items[head...].filter(isThere)
    head = 0
  }
}
