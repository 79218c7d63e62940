/// Fits the values of a layer's tables to the sums that the integer network has on the same samples, by least
/// squares: one table after the other takes up what the others leave, until nothing moves.
///
/// Backfitting of an additive model (A. Buja, T. Hastie and R. Tibshirani, "Linear smoothers and additive
/// models", Annals of Statistics 17, 1989), where each table is a step function. A value's distance from the
/// leaf's centre costs as much as `prior` samples with that error would, so that leaves of few samples move
/// little. No pass makes the cost larger.
struct Backfitting {
  let prior: Double

  /// More do not change values any more where that can be seen.
  private static let passLimit = 50
  /// Of the largest residual: smaller moves end it.
  private static let stillness = 1e-6

  /// - Parameter targets: by sample, products as the tables' are.
  func fit(_ drafts: inout [TableFit.Draft], to targets: [[Int64]]) {
    guard let outputs = targets.first?.count else { return }
    for output in 0..<outputs { fit(&drafts, output, targets.map { $0[output] }) }
  }

  private func fit(_ drafts: inout [TableFit.Draft], _ output: Int, _ targets: [Int64]) {
    var residuals = residuals(drafts, output, targets)
    let scale = residuals.reduce(0) { max($0, abs($1)) }
    guard scale > 0 else { return }
    var moves = drafts.map { [Double](repeating: 0, count: $0.members.count) }
    for _ in 0..<Self.passLimit {
      var largest = 0.0
      for (table, draft) in drafts.enumerated() {
        for (leaf, members) in draft.members.enumerated() {
          let former = moves[table][leaf]
          let wanted = members.reduce(0) { $0 + residuals[$1] + former }
          let change = wanted / (Double(members.count) + prior) - former
          moves[table][leaf] += change
          for sample in members { residuals[sample] -= change }
          largest = max(largest, abs(change))
        }
      }
      if largest <= scale * Self.stillness { break }
    }
    for (table, leaves) in moves.enumerated() {
      for (leaf, move) in leaves.enumerated() {
        drafts[table].products[leaf][output] = Self.moved(drafts[table].products[leaf][output], by: move)
      }
    }
  }

  /// What the tables leave of the targets.
  private func residuals(_ drafts: [TableFit.Draft], _ output: Int, _ targets: [Int64]) -> [Double] {
    var left = targets.map { Int128($0) }
    for draft in drafts {
      for (leaf, members) in draft.members.enumerated() {
        for sample in members { left[sample] -= Int128(draft.products[leaf][output]) }
      }
    }
    return left.map { Double($0) }
  }

  /// Products stay below 2⁶² in magnitude.
  private static func moved(_ product: Int64, by move: Double) -> Int64 {
    let limit = Double(Int64(1) << 61)
    return (product + Int64(min(max(move, -limit), limit).rounded())).cut(to: -(1 << 62)...(1 << 62))
  }
}
