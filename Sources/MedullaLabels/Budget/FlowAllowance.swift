/// A share of the flows that labels may be asked of: it grows by the flows that come, is saved up to a limit,
/// and may be owed up to another. A value.
///
/// The budget of a stream that is told in flows, not in time, such as the rows of a table.
package struct FlowAllowance: Sendable, Equatable {
  /// Questions for each flow that comes, 0 to 1.
  package let share: Double
  package let savingLimit: Double
  package let debtLimit: Double
  package private(set) var level = 0.0
  package private(set) var flows = 0
  package private(set) var asked = 0

  package init(share: Double, savingLimit: Double = 100, debtLimit: Double = 50) {
    self.share = min(max(share, 0), 1)
    self.savingLimit = max(savingLimit, 1)
    self.debtLimit = max(debtLimit, 0)
  }

  package mutating func earn(_ count: Int) {
    flows += count
    level = min(savingLimit, level + share * Double(count))
  }

  /// How many may be asked about now.
  package func available(mayOwe: Bool) -> Int {
    Int(max(0, level + (mayOwe ? debtLimit : 0) + 1e-9))
  }

  /// Notes what was asked, also when it was more than there is.
  package mutating func spend(_ count: Int) {
    asked += count
    level -= Double(count)
  }
}
