import MedullaBase
import Testing

@testable import MedullaAccelerators

@Suite("The order of transfers")
struct TicketBookTests {
  @Test("a ticket that waits for nothing is done when all before it is")
  func order() {
    var book = TicketBook<Int>()
    let first = book.issue(nil)
    #expect(book.completed == first.number)
    let second = book.issue(7)
    let third = book.issue(nil)
    let fourth = book.issue(8)
    #expect(book.completed == first.number && second > first)
    #expect(book.oldest == 7)
    book.completeOldest()
    #expect(book.completed == third.number)
    book.completeOldest()
    #expect(book.completed == fourth.number && book.oldest == nil)
    book.completeOldest()
    #expect(book.completed == fourth.number)
  }

  @Test("any order of issuing and finishing agrees with a list")
  func model() {
    let seed: UInt64 = 1_331
    var generator = SeededGenerator(seed: seed)
    var book = TicketBook<Int>()
    var waiting: [Int] = []
    for step in 0..<40_000 {
      if generator.chance(step % 2_000 < 1_200 ? 0.7 : 0.3) {
        let isImmediate = generator.chance(0.3)
        let ticket = book.issue(isImmediate ? nil : step)
        if !isImmediate { waiting.append(ticket.number) }
      } else {
        book.completeOldest()
        if !waiting.isEmpty { waiting.removeFirst() }
      }
      let done = (waiting.first ?? book.issued + 1) - 1
      guard book.completed == done, book.isFull == (waiting.count >= TicketBook<Int>.limit) else {
        Issue.record("step \(step), seed \(seed): \(book.completed) for \(done)")
        return
      }
    }
  }
}
