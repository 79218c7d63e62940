import MedullaBase

/// Rows of the past, so that conditions which come back are known: a reservoir for each class.
///
/// Until a class's part is full every row is kept. Then a row is admitted with the probability `admission`
/// and takes a random one's place, so that the past fades, with a mean life of capacity / admission rows, and
/// no class can drive out another. Bounded; a value that can be written to disk and goes on from there with
/// the same draws.
package struct ReplayMemory: Sendable, Equatable, Codable {
  package let classes: Int
  /// Rows of each class.
  package let capacity: Int
  package let admission: Double
  package private(set) var rows: [[TrainingRow]]
  /// Rows that were offered; the next draw follows from it and the seed.
  package private(set) var offered: UInt64 = 0
  private let seed: UInt64

  package init(classes: Int, capacity: Int, admission: Double = 0.25, seed: UInt64) {
    self.classes = max(classes, 1)
    self.capacity = max(capacity, 1)
    self.admission = min(max(admission, 0), 1)
    self.seed = seed
    rows = Array(repeating: [], count: max(classes, 1))
  }

  package var all: [TrainingRow] { rows.flatMap { $0 } }
  package var count: Int { rows.reduce(0) { $0 + $1.count } }

  /// Offers a row; one of a class that there is not is left out.
  package mutating func offer(_ row: TrainingRow) {
    guard rows.indices.contains(row.label) else { return }
    offered &+= 1
    guard rows[row.label].count >= capacity else { return rows[row.label].append(row) }
    var generator = SeededGenerator(seed: seed &+ offered &* 0x9E37_79B9_7F4A_7C15)
    guard generator.chance(admission) else { return }
    rows[row.label][Int.random(in: 0..<capacity, using: &generator)] = row
  }

  package mutating func offer(_ rows: some Sequence<TrainingRow>) { for row in rows { offer(row) } }
}
