import Foundation
import MedullaBase
import Synchronization

/// Whether what happens is written down.
package enum BookState: Sendable, Equatable, CustomStringConvertible {
  case recording
  /// Nobody is asked and nothing spent; labels that still come wait for being written, so many entries now.
  case stopped(reason: String, since: Duration, waiting: Int)

  package var description: String {
    switch self {
    case .recording: "recording"
    case .stopped(let reason, _, let waiting):
      "labels stop: \(reason) (\(waiting) entries wait to be written)"
    }
  }
}

/// Keeps the book of labels and what agents have cost, in memory and in a journal. Any thread may call.
///
/// What is asked and spent is written before it counts. Where the disk does not take it, labels stop: nobody
/// is asked, nothing is spent; labels that come are kept and written once there is room.
package final class Bookkeeper: Sendable {
  fileprivate struct Desk {
    var book: LabelBook
    var ledger: BudgetLedger
    let journal: BookJournal?
    /// What happened and could not be written yet.
    var unwritten: [BookEntry] = []
    var failure: (reason: String, since: Duration, tried: Duration)?
    var refusals: [LabelVerdict: Int] = [:]
  }

  private let desk: Mutex<Desk>
  private let clock: @Sendable () -> Duration
  /// Bytes of a last line that was found torn when the journal was opened.
  package let cutOff: Int
  /// How often a disk that was full is tried again.
  package static let retryInterval = Duration.seconds(1)
  /// Entries that wait for the disk; beyond it labels are refused.
  package static let unwrittenLimit = 4_096

  /// - Parameters:
  ///   - path: of the journal, whose folder exists; nil: nothing outlives this process.
  ///   - clock: since the Unix epoch.
  /// - Throws: `LabelBookError`: `badSetting`; `cannotOpen`, `inUse`, or `broken` for a journal that is
  ///   damaged before its end.
  package init(
    path: String?, limits: BookLimits = BookLimits(), classes: Int, budgets: [String: AgentBudget] = [:],
    clock: @escaping @Sendable () -> Duration = { WallClock.now }
  ) throws(LabelBookError) {
    try limits.check()
    for (agent, budget) in budgets.sorted(by: { $0.key < $1.key }) { try budget.check(of: agent) }
    self.clock = clock
    var book = LabelBook(limits: limits, classes: classes)
    var ledger = BudgetLedger(budgets)
    var journal: BookJournal?
    var cutOff = 0
    if let path {
      let opened = try BookJournal.open(path)
      for entry in opened.entries {
        book.apply(entry)
        ledger.apply(entry)
      }
      (journal, cutOff) = (opened.journal, opened.cutOff)
    }
    book.expire(at: clock())
    self.cutOff = cutOff
    desk = Mutex(Desk(book: book, ledger: ledger, journal: journal))
  }

  package var book: LabelBook { desk.withLock { $0.book } }
  package var ledger: BudgetLedger { desk.withLock { $0.ledger } }
  /// Labels that were not kept, by why, since this process began.
  package var refusals: [LabelVerdict: Int] { desk.withLock { $0.refusals } }

  package var state: BookState {
    desk.withLock { desk in
      desk.failure.map {
        .stopped(reason: $0.reason, since: $0.since, waiting: desk.unwritten.count)
      } ?? .recording
    }
  }

  /// Opens requests.
  ///
  /// - Returns: the flows that agents may now be asked about: none that was asked about before, and none at
  ///   all while labels stop.
  package func ask(_ flows: [ChosenFlow]) -> [ChosenFlow] {
    let now = clock()
    return desk.withLock { desk in
      guard desk.recover(at: now) else { return [] }
      var seen: Set<UInt64> = []
      let fresh = flows.filter { desk.book.accepts($0) && seen.insert($0.request.sample).inserted }
      let entries = fresh.map { BookEntry.asked(flow: $0, at: now.nanoseconds) }
      return desk.write(entries, isSynced: false, at: now) ? fresh : []
    }
  }

  /// Takes labels, in any order, late ones and strangers' too; what became of each.
  @discardableResult
  package func note(_ labels: [Label]) -> [LabelVerdict] {
    let now = clock()
    return desk.withLock { desk in
      _ = desk.recover(at: now)
      var entries: [BookEntry] = []
      // Two of the same agent may come together: each is judged by those before it.
      var before: [UInt64: [String]] = [:]
      var verdicts = labels.map { label in
        let verdict = desk.book.verdict(label, beside: before[label.sample] ?? [], at: now)
        if verdict == .kept {
          before[label.sample, default: []].append(label.agent)
          entries.append(.labelled(label: label, at: now.nanoseconds))
        }
        return verdict
      }
      if !desk.writeOrKeep(entries, at: now) {
        verdicts = verdicts.map { $0 == .kept ? .notRecorded : $0 }
      }
      for verdict in verdicts where verdict != .kept { desk.refusals[verdict, default: 0] += 1 }
      return verdicts
    }
  }

  /// Flows whose labels can be used; they stay open until `close`, so that what is lost between the two is
  /// there again after a kill.
  package func settled(agents: Int, patience: Duration) -> [AskedFlow] {
    let now = clock()
    return desk.withLock { desk in
      desk.book.expire(at: now)
      return desk.book.settled(agents: agents, patience: patience, at: now)
    }
  }

  /// What was learned from is no longer open.
  package func close(_ samples: [UInt64]) {
    let now = clock()
    desk.withLock { desk in
      _ = desk.recover(at: now)
      guard !samples.isEmpty else { return }
      // Not more than a line takes.
      let pieces = stride(from: 0, to: samples.count, by: Self.piece).map {
        BookEntry.closed(
          samples: Array(samples[$0..<min($0 + Self.piece, samples.count)]), at: now.nanoseconds)
      }
      _ = desk.writeOrKeep(pieces, at: now)
    }
  }

  private static let piece = 4_096

  /// An agent's purse: what it grants has been written down.
  package func purse(of agent: String) -> any Purse { KeptPurse(agent: agent, keeper: self) }

  fileprivate func spend(_ agent: String, upTo calls: Int, costEach: Double, mayOwe: Bool) -> PurseAnswer {
    let now = clock()
    guard costEach.isFinite, costEach >= 0 else { return .never("a price of \(costEach)") }
    return desk.withLock { desk in
      guard desk.recover(at: now) else { return .stopped(desk.failure?.reason ?? "") }
      let answer = desk.ledger.grant(agent, calls: calls, costEach: costEach, at: now, mayOwe: mayOwe)
      guard case .granted(let count) = answer, count > 0 else { return answer }
      let cost = Double(count) * costEach
      let entry = BookEntry.spent(agent: agent, calls: count, cost: cost, at: now.nanoseconds)
      // What costs nothing need not outlive a power cut.
      guard desk.write([entry], isSynced: cost > 0, at: now) else {
        return .stopped(desk.failure?.reason ?? "")
      }
      return answer
    }
  }
}

extension Bookkeeper.Desk {
  private mutating func apply(_ entries: [BookEntry]) {
    for entry in entries {
      book.apply(entry)
      ledger.apply(entry)
    }
  }

  /// Writes entries and what they say; nothing of either where the disk does not take them.
  mutating func write(_ entries: [BookEntry], isSynced: Bool, at now: Duration) -> Bool {
    guard let journal else {
      apply(entries)
      return true
    }
    do throws(LabelBookError) {
      try journal.append(entries, isSynced: isSynced)
    } catch {
      fail(error, at: now)
      return false
    }
    apply(entries)
    // It can wait: the old file is good.
    if journal.hasGrown { try? journal.rewrite(all) }
    return true
  }

  /// What has happened and cannot be taken back: it counts, and is written as soon as there is room.
  mutating func writeOrKeep(_ entries: [BookEntry], at now: Duration) -> Bool {
    guard !entries.isEmpty else { return true }
    if unwritten.isEmpty, failure == nil, write(entries, isSynced: false, at: now) { return true }
    guard unwritten.count + entries.count <= Bookkeeper.unwrittenLimit else { return false }
    unwritten += entries
    apply(entries)
    return true
  }

  /// Tries a disk again that was full; whether everything is written.
  mutating func recover(at now: Duration) -> Bool {
    guard let failure, let journal else { return true }
    // A clock that was set back does not put it off.
    guard now - failure.tried >= Bookkeeper.retryInterval || now < failure.tried else { return false }
    do throws(LabelBookError) {
      if journal.needsRewriting {
        try journal.rewrite(all)
      } else {
        try journal.append(unwritten, isSynced: true)
      }
    } catch {
      fail(error, at: now)
      return false
    }
    unwritten = []
    self.failure = nil
    return true
  }

  private mutating func fail(_ error: LabelBookError, at now: Duration) {
    let reason = error.cause.isEmpty ? error.message : "\(error.message): \(error.cause)"
    failure = (reason, failure?.since ?? now, now)
  }

  /// The shortest entries from which all of it follows.
  private var all: [BookEntry] { ledger.entries + book.entries }
}

extension BudgetLedger {
  mutating func apply(_ entry: BookEntry) {
    switch entry {
    case .spent(let agent, let calls, let cost, let time):
      spend(agent, calls: calls, cost: cost, at: .nanoseconds(time))
    case .purse(let agent, let kept): restore(agent, kept)
    case .asked, .labelled, .closed, .counts, .gone: break
    }
  }

  var entries: [BookEntry] {
    purses.sorted { $0.key < $1.key }.map { .purse(agent: $0.key, kept: $0.value.kept) }
  }
}

private struct KeptPurse: Purse {
  let agent: String
  let keeper: Bookkeeper

  func spend(upTo calls: Int, costEach: Double, mayOwe: Bool) -> PurseAnswer {
    keeper.spend(agent, upTo: calls, costEach: costEach, mayOwe: mayOwe)
  }
}
