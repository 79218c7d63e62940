import Foundation
import MedullaBase

@testable import MedullaLabels

#if canImport(Glibc)
import Glibc
#endif

/// Journals for tests: a folder that goes when the test ends, and what lies in it.
final class JournalCases {
  let folder: String
  var path: String { folder + "/labels.journal" }

  init() {
    folder = NSTemporaryDirectory() + "medulla-labels-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    mkdir(folder, 0o700)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  var bytes: Data {
    get throws { try Data(contentsOf: URL(fileURLWithPath: path)) }
  }

  func put(_ bytes: Data) throws { try bytes.write(to: URL(fileURLWithPath: path)) }

  /// A clock that stands where the tests put it.
  final class Clock: @unchecked Sendable {
    private let lock = NSLock()
    private var time: Duration
    init(_ time: Duration) { self.time = time }
    var now: Duration {
      get { lock.withLock { time } }
      set { lock.withLock { time = newValue } }
    }
  }

  static let budgets = ["paid": AgentBudget(calls: 100, cost: 50, period: .seconds(100))]

  func keeper(
    _ clock: Clock, limits: BookLimits = BookLimits(), budgets: [String: AgentBudget] = budgets
  ) throws -> Bookkeeper {
    try Bookkeeper(path: path, limits: limits, classes: 2, budgets: budgets) { clock.now }
  }
}
