import Foundation
import MedullaBase

/// Asks agents, each on a thread of its own, and hands on what they say.
///
/// Nobody waits for an agent: flows go into its queue, labels come from its thread. One that hangs, fails, or
/// answers nonsense stops only itself.
package final class AgentDesk: Sendable {
  /// An agent's place at the desk.
  package struct Place {
    package let agent: any LabelingAgent
    package let settings: SeatSettings
    package let purse: any Purse

    /// - Parameter purse: from which each flow's price is paid; an agent that pays by itself has a free one.
    package init(
      _ agent: any LabelingAgent, _ settings: SeatSettings = SeatSettings(), purse: any Purse = FreePurse()
    ) {
      self.agent = agent
      self.settings = settings
      self.purse = purse
    }
  }

  private let seats: [AgentSeat]

  /// - Parameters:
  ///   - classes: that labels may name.
  ///   - deliver: takes labels, on the thread of the agent that gave them.
  /// - Throws: `LabelBookError` with `badSetting`, also for two agents of one name.
  package init(
    _ places: [Place], classes: Int, deliver: @escaping @Sendable ([Label]) -> Void
  ) throws(LabelBookError) {
    var names: Set<String> = []
    for place in places {
      try place.settings.check(of: place.agent.name)
      guard names.insert(place.agent.name).inserted else {
        throw LabelBookError(
          .badSetting, "two agents have the name \(place.agent.name)",
          remedy: "Give each a name of its own: labels, errors and budgets are told by it.")
      }
    }
    seats = places.map { AgentSeat($0, classes: classes, deliver: deliver) }
    for seat in seats { seat.start() }
  }

  package var agents: [String] { seats.map(\.name) }
  package var states: [AgentState] { seats.map(\.state) }

  /// Puts flows into the agents' queues; what does not fit is dropped and counted. It never waits.
  ///
  /// - Parameters:
  ///   - agents: which ones; nil: all.
  ///   - mayOwe: whether budgets may be overdrawn, as after drift.
  package func ask(_ requests: [LabelRequest], of agents: Set<String>? = nil, mayOwe: Bool = false) {
    guard !requests.isEmpty else { return }
    for seat in seats where agents?.contains(seat.name) ?? true { seat.ask(requests, mayOwe: mayOwe) }
  }

  /// Ends all agents; afterwards no label is handed on.
  ///
  /// - Returns: the names of agents that did not come back within `limit`. Their threads end when their calls
  ///   do.
  @discardableResult
  package func close(within limit: Duration = .seconds(5)) -> [String] {
    let end = MonotonicClock.now + limit
    for seat in seats { seat.leave() }
    return seats.filter { !$0.hasEnded(within: max(.zero, end - MonotonicClock.now)) }.map(\.name)
  }
}
