import MedullaBase

/// nDPI over an interface's packets as they come: it fails when they no longer do.
package final class LiveNDPIAgent: LabelingAgent {
  /// Between two words about frames that were lost.
  static let tellInterval = Duration.seconds(60)

  package var name: String { agent.name }
  private let agent: NDPIAgent
  private let tap: PacketTap
  private let clock: () -> Duration
  private let tell: (String) -> Void
  private var told: (lost: UInt64, at: Duration)?

  /// - Parameters:
  ///   - tap: it shows packets to the agent's flows, and is closed with this.
  ///   - tell: takes a line for people.
  package init(
    _ agent: NDPIAgent, seeing tap: PacketTap, clock: @escaping () -> Duration = { MonotonicClock.now },
    tell: @escaping (String) -> Void
  ) {
    (self.agent, self.tap, self.clock, self.tell) = (agent, tap, clock, tell)
  }

  /// - Throws: `CaptureError` when the interface can no longer be read.
  package func label(_ requests: [LabelRequest]) throws -> [Label] {
    if let error = tap.error { throw error }
    tellOfLoss()
    return agent.label(requests)
  }

  private func tellOfLoss() {
    let (lost, now) = (tap.lost, clock())
    guard lost > told?.lost ?? 0, told.map({ now - $0.at >= Self.tellInterval }) ?? true else { return }
    told = (lost, now)
    tell("\(lost) frames of \(tap.device) found no room so far: nDPI has not seen them")
  }

  package func close() { tap.close() }
}
