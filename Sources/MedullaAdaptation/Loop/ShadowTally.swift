/// The differences between a candidate's answers and the active snapshot's, as they come in.
struct ShadowTally: Sendable, Equatable {
  let start: Duration
  private(set) var count = 0
  private var sum = 0.0
  private var largest = 0.0

  init(start: Duration = .zero) {
    self.start = start
  }

  mutating func add(_ differences: [Double]) {
    for difference in differences where difference.isFinite {
      count += 1
      sum += difference
      largest = max(largest, difference)
    }
  }

  func result(_ version: UInt64, _ settings: ShadowSettings) -> ShadowResult {
    let mean = count > 0 ? sum / Double(count) : 0
    let isEnough = count >= settings.decisions
    let isClose = mean <= settings.maxDifference
    let reason =
      !isEnough
      ? "too few decisions were compared in time"
      : isClose ? "the candidate answers closely enough" : "the candidate answers too differently"
    return ShadowResult(
      version: version, decisions: count, meanDifference: mean, maxDifference: largest,
      threshold: settings.maxDifference, passed: isEnough && isClose, reason: reason)
  }
}
