/// The last inputs of live traffic, for the fidelity loss and for calibration.
struct RecentInputs: Sendable {
  let limit: Int
  private var rows: [[Float]] = []
  private var next = 0

  init(limit: Int = 1_024) {
    self.limit = max(limit, 1)
  }

  var count: Int { rows.count }

  mutating func append(_ inputs: some Sequence<[Float]>) {
    for input in inputs {
      if rows.count < limit {
        rows.append(input)
      } else {
        rows[next] = input
        next = (next + 1) % limit
      }
    }
  }

  /// Oldest first.
  var all: [[Float]] { Array(rows[next...] + rows[..<next]) }

  /// At most so many, evenly chosen.
  func chosen(_ count: Int) -> [[Float]] {
    let all = all
    guard all.count > count else { return all }
    return (0..<count).map { all[$0 * all.count / count] }
  }
}
