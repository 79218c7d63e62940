import Glibc
import MedullaAdaptation

extension ControlClient {
  /// How long a candidate is waited for, in looks of a tenth of a second.
  private static let looks = 600

  /// Tells a function to promote, and waits until it is known what came of it.
  ///
  /// - Throws: `refused` with the failure, or with the gate that stands in the way.
  package func promote(function: String?) throws(ControlError) -> ControlOutcome {
    let before = try state(of: function)
    let told = try ask(ControlRequest(.promote, function: function), as: ControlOutcome.self)
    for _ in 0..<Self.looks {
      usleep(100_000)
      let state = try state(of: function)
      if state.promotions > before.promotions {
        let version = state.activeVersion.map(String.init) ?? "of the adapter"
        return ControlOutcome("\(state.name): snapshot \(version) became active")
      }
      if state.phase == .shadowing {
        return ControlOutcome(
          "\(state.name): the candidate infers beside the active snapshot first; `medulla why` tells of it")
      }
      guard state.phase == .learning else { continue }
      let gate = state.gates.first { $0.gate == .accuracy && !$0.isOpen }.map {
        "the accuracy gate is shut: \($0.evidence.reason)"
      }
      let failure = state.failures > before.failures ? state.lastFailure : nil
      throw ControlError(
        .refused, "\(state.name): not promoted: \(failure ?? gate ?? "the candidate was given up")",
        remedy: "`medulla history` has what happened")
    }
    return told
  }

  private func state(of function: String?) throws(ControlError) -> RunnerState {
    let report = try ask(ControlRequest(.status, function: function), as: DaemonReport.self)
    guard let state = report.functions.first?.state else {
      throw ControlError(.unknownFunction, "the daemon has no function")
    }
    return state
  }
}
