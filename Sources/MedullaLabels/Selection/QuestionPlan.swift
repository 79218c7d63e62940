/// How many flows of a window are asked about: an even share, more on drift, and once more some windows
/// later. A value.
///
/// A burst may owe: what it takes beyond the budget is saved again by the windows after it.
package struct QuestionPlan: Sendable, Equatable {
  /// Questions that drift is worth, of which the rest of the budget pays later.
  package var burst: Int
  /// Windows after a burst at which half of it is asked again, to see whether what was learned holds.
  package var followUp: Int
  /// Windows without another burst.
  package var rest: Int
  private var sinceBurst: Int?

  package init(burst: Int = 40, followUp: Int = 2, rest: Int = 3) {
    self.burst = max(burst, 0)
    self.followUp = max(followUp, 1)
    self.rest = max(rest, 0)
  }

  package struct Questions: Sendable, Equatable {
    package let count: Int
    package let isBurst: Bool
  }

  /// What a window may ask.
  ///
  /// - Parameters:
  ///   - regular: what the budget allows without owing.
  ///   - owing: what it allows with the debt that it may have, at least `regular`.
  ///   - hasDrifted: whether the inputs are no longer what they were.
  package mutating func window(regular: Int, owing: Int, hasDrifted: Bool) -> Questions {
    if let windows = sinceBurst { sinceBurst = windows + 1 }
    if hasDrifted, burst > 0, sinceBurst.map({ $0 > rest }) ?? true {
      sinceBurst = 0
      return Questions(count: min(max(burst, regular), owing), isBurst: true)
    }
    if sinceBurst == followUp {
      return Questions(count: min(max(burst / 2, regular), owing), isBurst: true)
    }
    return Questions(count: regular, isBurst: false)
  }
}
