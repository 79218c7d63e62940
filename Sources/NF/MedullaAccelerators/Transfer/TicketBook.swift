/// Which transfers are under way, in their order. A value: what a place in the order waits for is the
/// caller's.
struct TicketBook<Completion> {
  /// The last ticket that was given out, and the last of which all up to it is done.
  private(set) var issued = 0
  private(set) var completed = 0
  private var waiting: [(number: Int, completion: Completion)] = []
  private var first = 0

  /// Tickets that are under way at once.
  static var limit: Int { 8_192 }

  var isFull: Bool { waiting.count - first >= Self.limit }
  /// What the oldest ticket that is under way waits for.
  var oldest: Completion? { first < waiting.count ? waiting[first].completion : nil }
  /// The number of the oldest; nil: all is done.
  var oldestNumber: Int? { first < waiting.count ? waiting[first].number : nil }

  /// - Parameter completion: nil: it is done when all before it is.
  mutating func issue(_ completion: Completion?) -> TransferTicket {
    issued += 1
    if let completion {
      waiting.append((issued, completion))
    } else if first == waiting.count {
      completed = issued
    }
    return TransferTicket(number: issued)
  }

  /// The oldest is done, and with it those behind it that wait for nothing.
  mutating func completeOldest() {
    guard first < waiting.count else { return }
    first += 1
    if first == waiting.count {
      (waiting, first) = ([], 0)
      completed = issued
    } else {
      completed = waiting[first].number - 1
      if first > Self.limit {
        waiting.removeFirst(first)
        first = 0
      }
    }
  }
}
