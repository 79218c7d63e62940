/// The differences between a candidate's answers and the active snapshot's, as they come in.
package struct ShadowTally: Sendable, Equatable {
  let start: Duration
  private(set) var count = 0
  private var sum = 0.0
  private var largest = 0.0

  init(start: Duration = .zero) {
    self.start = start
  }

  func adding(_ differences: [Double]) -> ShadowTally {
    var tally = self
    for difference in differences where difference.isFinite {
      tally.count += 1
      tally.sum += difference
      tally.largest = max(tally.largest, difference)
    }
    return tally
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
