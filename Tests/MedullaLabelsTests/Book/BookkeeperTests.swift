import Foundation
import Glibc
import MedullaBase
import Testing

@testable import MedullaLabels

@Suite("The book of labels on disk")
struct BookkeeperTests {
  typealias Clock = JournalCases.Clock

  /// Some flows, labels and payments, one after the other.
  static func work(_ keeper: Bookkeeper, _ clock: Clock, flows: UInt64 = 4) {
    let purse = keeper.purse(of: "paid")
    for sample in 0..<flows {
      clock.now += .milliseconds(300)
      #expect(keeper.ask([LabelBookTests.flow(sample)]).count == 1)
      #expect(purse.spend(upTo: 2, costEach: 0.3, mayOwe: false) == .granted(2))
      #expect(keeper.note([Label(sample: sample, agent: "paid", label: 1, confidence: 0.75)]) == [.kept])
    }
    keeper.close([0])
  }

  @Test("a book that was closed and opened is the same, to the bit, and so is the spending")
  func reopened() throws {
    let cases = JournalCases()
    let clock = Clock(.seconds(1_700_000_000))
    var keeper: Bookkeeper? = try cases.keeper(clock)
    if let keeper { Self.work(keeper, clock) }
    let (book, ledger) = (keeper?.book, keeper?.ledger)
    keeper = nil
    let again = try cases.keeper(clock)
    #expect(again.book == book && again.ledger == ledger && again.cutOff == 0)
    #expect(again.ledger.purses["paid"]?.totalCalls == 8)
    #expect(again.book.flows.map(\.sample) == [1, 2, 3])
    #expect(again.book[1]?.labels == [Label(sample: 1, agent: "paid", label: 1, confidence: 0.75)])
  }

  @Test("a file cut at any byte gives what its whole lines say, and goes on from there")
  func truncated() throws {
    let cases = JournalCases()
    let start = Clock(.seconds(1_700_000_000))
    do { Self.work(try cases.keeper(start), start, flows: 2) }
    let whole = try cases.bytes
    let clock = Clock(start.now)
    let lines = whole.split(separator: UInt8(ascii: "\n")).map { $0.count + 1 }
    for length in 0..<whole.count {
      try cases.put(whole.prefix(length))
      var known = 0
      var complete = 0
      for line in lines {
        guard known + line <= length else { break }
        known += line
        complete += 1
      }
      let expected = try JournalText.read(whole.prefix(known), path: "expected").entries
      let keeper = try cases.keeper(clock)
      #expect(expected.count == max(0, complete - 1))
      #expect(keeper.cutOff == length - known, "at byte \(length)")
      var (book, ledger) = (LabelBook(classes: 2), BudgetLedger(JournalCases.budgets))
      for entry in expected {
        book.apply(entry)
        ledger.apply(entry)
      }
      let isSame = keeper.book == book && keeper.ledger == ledger
      #expect(isSame, "at byte \(length)")
      // Nothing of the torn line is left to spoil the next.
      #expect(keeper.purse(of: "paid").spend(upTo: 1, costEach: 0, mayOwe: false) == .granted(1))
      let bytes = try cases.bytes
      #expect(try JournalText.read(bytes, path: "again").length == bytes.count, "at byte \(length)")
    }
  }

  @Test("a byte that was changed anywhere but in the last line is an error that names the place")
  func damaged() throws {
    let cases = JournalCases()
    let clock = Clock(.seconds(1_700_000_000))
    do { Self.work(try cases.keeper(clock), clock) }
    let whole = try cases.bytes
    let seed = UInt64.random(in: 0 ... .max)
    print("seed of damages: \(seed)")
    var generator = SeededGenerator(seed: seed)
    let last = whole.dropLast().lastIndex(of: UInt8(ascii: "\n")) ?? 0
    let second = whole.dropLast(whole.count - last).lastIndex(of: UInt8(ascii: "\n")) ?? 0
    for place in 0..<last {
      var bytes = whole
      bytes[place] ^= UInt8(1 << Int.random(in: 0..<8, using: &generator))
      try cases.put(bytes)
      do {
        _ = try cases.keeper(clock)
        // Without the newline before it the last line begins earlier.
        #expect(place >= second, "byte \(place) of \(whole.count), seed \(seed)")
      } catch let error as LabelBookError {
        #expect(error.code == .broken && error.message.contains(cases.path))
        #expect(error.message.contains("byte") || error.cause.contains("byte 0"), "\(error)")
      }
      #expect(try cases.bytes.count >= second, "a damaged file is left as it is")
    }
    // A line that is lost as a whole is found by the chain.
    let lines = whole.split(separator: UInt8(ascii: "\n"))
    let lacking = (lines[..<3] + lines[4...]).map { Data($0) + Data("\n".utf8) }.reduce(Data(), +)
    try cases.put(lacking)
    let error = #expect(throws: LabelBookError.self) { try cases.keeper(clock) }
    #expect(error?.message.contains("line 4") == true, "\(String(describing: error))")
  }

  @Test("a tail of zeros, as a power cut leaves it, is a torn line; another file is not touched")
  func zeros() throws {
    let cases = JournalCases()
    let clock = Clock(.seconds(1_700_000_000))
    do { Self.work(try cases.keeper(clock), clock) }
    let whole = try cases.bytes
    try cases.put(whole + Data(count: 777))
    #expect(try cases.keeper(clock).cutOff == 777)
    #expect(try cases.bytes == whole)
    try cases.put(Data("notes of somebody\nelse\n".utf8))
    let error = #expect(throws: LabelBookError.self) { try cases.keeper(clock) }
    #expect(error?.code == .broken)
    #expect(try cases.bytes == Data("notes of somebody\nelse\n".utf8))
  }

  @Test("two processes never write one journal")
  func exclusive() throws {
    let cases = JournalCases()
    let clock = Clock(.seconds(1))
    let keeper = try cases.keeper(clock)
    let error = #expect(throws: LabelBookError.self) { try cases.keeper(clock) }
    #expect(error?.code == .inUse)
    _ = keeper.book
  }

  @Test("a journal that has grown is written anew beside, and says the same; leftovers of that are ignored")
  func rewritten() throws {
    let cases = JournalCases()
    let opened = try BookJournal.open(cases.path)
    let journal = opened.journal
    var (book, ledger) = (LabelBook(classes: 2), BudgetLedger(JournalCases.budgets))
    func note(_ entry: BookEntry) throws {
      try journal.append([entry], isSynced: false)
      book.apply(entry)
      ledger.apply(entry)
    }
    var time: Int64 = 1_700_000_000_000_000_000
    for sample in 0..<200 as Range<UInt64> {
      time += 1_000_000
      try note(.asked(flow: LabelBookTests.flow(sample), at: time))
      try note(.spent(agent: "paid", calls: 1, cost: 0.125, at: time))
      try note(.closed(samples: sample % 3 == 0 ? [sample] : [], at: time))
    }
    let before = journal.length
    try journal.rewrite(ledger.entries + book.entries)
    #expect(journal.length < before)
    try note(.spent(agent: "paid", calls: 1, cost: 0.125, at: time))
    try Data("half a journal".utf8).write(to: URL(fileURLWithPath: cases.path + ".new"))
    let bytes = try cases.bytes
    #expect(bytes.count == journal.length)
    let contents = try JournalText.read(bytes, path: cases.path)
    var (again, account) = (LabelBook(classes: 2), BudgetLedger(JournalCases.budgets))
    for entry in contents.entries {
      again.apply(entry)
      account.apply(entry)
    }
    #expect(again == book && account == ledger)
    #expect(account.purses["paid"]?.totalCost == 201 * 0.125)
  }

  @Test("labels that come twice, from strangers, or too late are counted and dropped")
  func refusals() throws {
    let cases = JournalCases()
    let clock = Clock(.seconds(100))
    let keeper = try cases.keeper(clock)
    #expect(keeper.ask([LabelBookTests.flow(1), LabelBookTests.flow(1)]).count == 1)
    let label = Label(sample: 1, agent: "a", label: 0)
    #expect(
      keeper.note([label, label, Label(sample: 9, agent: "a", label: 0)]) == [.kept, .second, .unknown])
    keeper.close([1])
    #expect(keeper.note([Label(sample: 1, agent: "b", label: 0)]) == [.late])
    #expect(keeper.refusals == [.second: 1, .unknown: 1, .late: 1])
    #expect(keeper.ask([LabelBookTests.flow(1)]).isEmpty)
  }
}
