import MedullaBase

/// Chooses the flows of a window that labels are asked of.
///
/// Novel flows and small margins are chosen for sure, by what is known of them before any label: a stratum of
/// its own with probability 1. Of the others some are drawn at random, by strata of the predicted class, so
/// that rare classes are seen too. Each flow of the window has a probability above 0, by which the
/// inverse-probability estimate over the window is unbiased, whatever the novel flows and margins are.
package struct FlowSelection: Sendable {
  package let shares: SelectionShares
  private var generator: SeededGenerator

  package init(_ shares: SelectionShares = SelectionShares(), seed: UInt64) throws(LabelBookError) {
    try shares.check()
    self.shares = shares
    generator = SeededGenerator(seed: seed)
  }

  /// - Parameters:
  ///   - window: flows, each sample once.
  ///   - count: how many may be asked about; all of them when the window is smaller.
  ///   - memory: of which novel flows are told; nil: none is novel.
  ///   - isBurst: after drift.
  /// - Returns: the chosen flows in the order of the window; none for a count of 0.
  package mutating func choose(
    _ window: [LabelRequest], count: Int, memory: NoveltyMemory? = nil, isBurst: Bool = false
  ) -> [ChosenFlow] {
    guard count > 0, !window.isEmpty else { return [] }
    guard count < window.count else {
      return window.map { ChosenFlow($0, probability: 1, reason: .random) }
    }
    let shares = isBurst ? SelectionShares.burst : shares
    var chosen: [Int: ChosenFlow] = [:]
    let novel = memory?.cover(window, limit: Int(shares.novelty * Double(count))) ?? []
    for index in novel { chosen[index] = ChosenFlow(window[index], probability: 1, reason: .novelty) }
    for index in closest(window, except: chosen, limit: Int(shares.margin * Double(count))) {
      chosen[index] = ChosenFlow(window[index], probability: 1, reason: .margin)
    }
    // What novelty and margins leave, and what they had no use for.
    for (index, probability) in draw(window, except: chosen, count: count - chosen.count) {
      chosen[index] = ChosenFlow(window[index], probability: probability, reason: .random)
    }
    return chosen.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The smallest margins; a flow of which the network was unsure has none.
  private func closest(_ window: [LabelRequest], except taken: [Int: ChosenFlow], limit: Int) -> [Int] {
    guard limit > 0 else { return [] }
    func margin(_ index: Int) -> Double {
      let request = window[index]
      return request.prediction == nil || request.margin.isNaN ? 0 : abs(request.margin)
    }
    return Array(
      window.indices.filter { taken[$0] == nil }
        .sorted { (margin($0), $0) < (margin($1), $1) }.prefix(limit))
  }

  /// Draws `count` of the rest, by predicted class.
  private mutating func draw(
    _ window: [LabelRequest], except taken: [Int: ChosenFlow], count: Int
  ) -> [(index: Int, probability: Double)] {
    let rest = window.indices.filter { taken[$0] == nil }
    let strata = Dictionary(grouping: rest) { window[$0].prediction ?? -1 }
      .sorted { $0.key < $1.key }.map(\.value)
    let expected = StratifiedDraw.allocation(Double(count), sizes: strata.map(\.count))
    let sizes = StratifiedDraw.rounded(expected, by: generator.unit())
    var drawn: [(Int, Double)] = []
    for ((members, expectation), size) in zip(zip(strata, expected), sizes) {
      var members = members
      for place in 0..<min(size, members.count) {
        members.swapAt(place, Int.random(in: place..<members.count, using: &generator))
        drawn.append((members[place], expectation / Double(members.count)))
      }
    }
    return drawn
  }
}
