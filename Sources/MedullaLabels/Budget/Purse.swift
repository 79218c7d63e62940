/// Where an agent's calls are paid from, before they are made.
package protocol Purse: Sendable {
  /// Spends as many of `calls` calls as are allowed, each at `costEach`.
  ///
  /// - Parameter mayOwe: whether the budget may be overdrawn, up to its limit of debt.
  func spend(upTo calls: Int, costEach: Double, mayOwe: Bool) -> PurseAnswer
}

package enum PurseAnswer: Sendable, Equatable {
  /// So many calls have been spent and written down; they may be made.
  case granted(Int)
  /// Nothing is left; so long until there is something.
  case wait(Duration)
  /// One call is more than the budget ever has.
  case never(String)
  /// Spending cannot be written down, so nothing is spent.
  case stopped(String)
}

/// Without a limit, and without a record: for what costs nothing.
package struct FreePurse: Purse {
  package init() {}
  package func spend(upTo calls: Int, costEach: Double, mayOwe: Bool) -> PurseAnswer {
    .granted(max(calls, 0))
  }
}
