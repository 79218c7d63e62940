import Dispatch
import Synchronization

/// What a person may tell a function's slow path.
package enum RunnerCommand: String, Sendable, Equatable, Codable, CaseIterable {
  /// Drains and counts, but neither learns nor updates; an update that is under way is given up.
  case pause
  /// Goes on, also where an update from outside has pinned what is active.
  case resume
  /// Makes a snapshot of the network as it stands and promotes it without asking the stability and necessity
  /// gates; accuracy, shadow and watch still hold.
  case promote
  /// Goes back to the snapshot before the last promotion.
  case rollback
}

/// What came of a command.
package enum CommandAnswer: Sendable, Equatable {
  /// In words, without a full stop.
  case done(String)
  /// Why not.
  case refused(String)
  /// It does not run, or has not come to it in time.
  case unheard(String)

  /// Whether it was done.
  package var isDone: Bool { if case .done = self { true } else { false } }
}

/// Takes the answer from the collector's thread to the one that waits for it.
final class CommandReply: Sendable {
  private let answer = Mutex<CommandAnswer?>(nil)
  private let arrived = DispatchSemaphore(value: 0)

  /// Longer than the collector is ever at one thing.
  static let patience = 5.0

  func give(_ answer: CommandAnswer) {
    self.answer.withLock { $0 = answer }
    arrived.signal()
  }

  func wait() -> CommandAnswer {
    _ = arrived.wait(timeout: .now() + Self.patience)
    return answer.withLock { $0 } ?? .unheard("it is told, and has not come to it in \(Int(Self.patience)) s")
  }
}
