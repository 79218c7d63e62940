/// Answers by what was asked, the least used of which goes first. A value.
struct LabelCache: Sendable {
  struct Answer: Sendable, Equatable {
    /// nil: the service abstained.
    let label: Int?
    let confidence: Double
  }

  private struct Entry {
    let answer: Answer
    let since: Duration
    var used: UInt64
  }

  let limit: Int
  let age: Duration
  private var entries: [[UInt8]: Entry] = [:]
  private var uses: UInt64 = 0

  init(limit: Int, age: Duration) {
    self.limit = limit
    self.age = age
  }

  var count: Int { entries.count }

  mutating func find(_ key: [UInt8], at now: Duration) -> Answer? {
    guard let entry = entries[key] else { return nil }
    guard now - entry.since <= age else {
      entries[key] = nil
      return nil
    }
    uses += 1
    entries[key]?.used = uses
    return entry.answer
  }

  mutating func keep(_ answer: Answer, for key: [UInt8], at now: Duration) {
    guard limit > 0 else { return }
    uses += 1
    entries[key] = Entry(answer: answer, since: now, used: uses)
    guard entries.count > limit else { return }
    // An eighth at once, so that sorting them costs little a label.
    let oldest = entries.sorted { $0.value.used < $1.value.used }.prefix(max(1, limit / 8))
    for (key, _) in oldest { entries[key] = nil }
  }
}
