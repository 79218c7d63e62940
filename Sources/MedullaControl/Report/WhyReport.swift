import MedullaAdaptation
import MedullaBase

/// Why a function's snapshot was, or was not, replaced: the last word of everything that has one.
package struct WhyReport: Codable, Sendable, Equatable {
  package var function: String
  /// Seconds since 1970.
  package var time: Double
  /// The answer in one sentence.
  package var answer: String
  /// What it rests on, a sentence each.
  package var reasons: [String]
  /// The gates' last word, with their numbers, in the order in which they are asked.
  package var gates: [GateDecision]
  /// The last record of each kind that bears on the answer, by kind.
  package var records: [String: StoredRecord]

  /// The kinds whose last record is looked at.
  package static let kinds = LoopRecord.kinds

  /// - Parameters:
  ///   - last: the last record of each kind, as far as there is one.
  ///   - state: the loop as it is now; nil when no daemon runs.
  package init(function: String, last: [String: StoredRecord], state: RunnerState?, now: Double) {
    self.function = function
    time = now
    records = last
    if let state, !state.gates.isEmpty {
      gates = state.gates
    } else if case .gates(let decisions)? = last["gates"]?.record {
      gates = decisions
    } else {
      gates = []
    }
    let words = WhyWords(last: last, state: state, gates: gates, now: now)
    answer = words.answer
    reasons = words.reasons
  }

  /// For people.
  package var text: String {
    (["\(function): \(answer)"] + reasons.map { "  - \($0)" }).joined(separator: "\n")
  }
}

/// Finds the words for a `WhyReport`.
struct WhyWords {
  let last: [String: StoredRecord]
  let state: RunnerState?
  let gates: [GateDecision]
  let now: Double

  var answer: String {
    guard let state else {
      return ["No daemon runs, so nothing is learned or replaced; the fast path goes on.", lastChange]
        .compactMap(\.self).joined(separator: " ")
    }
    if state.isPaused {
      return "The loop is paused: it collects and counts, and replaces nothing until `medulla resume`."
    }
    if state.adapter == "none" {
      return "Nothing is replaced, because no adapter is configured: samples are only counted."
    }
    if let pinned = state.pinnedVersion {
      return "Snapshot \(pinned) was put there by someone else: nothing replaces it until `medulla resume`."
    }
    if let phase = phaseAnswer(state) { return phase }
    if let event = latestEvent { return event }
    return gateAnswer ?? "Nothing has been decided yet: no gate has been asked so far."
  }

  private func phaseAnswer(_ state: RunnerState) -> String? {
    let candidate = state.candidateVersion.map { " \($0)" } ?? ""
    switch state.phase {
    case .watching where state.activeVersion != nil && state.activeVersion != state.candidateVersion:
      return "Snapshot\(candidate) was taken back, because all rewards fell with it: now it is seen whether "
        + "they recover."
    case .watching:
      return "Snapshot\(candidate) was promoted and is on trial: it goes back if its reward is worse."
    case .shadowing: return "Candidate\(candidate) infers beside the active snapshot and is compared."
    case .quantizing: return "The gates are open, and a candidate is being made."
    case .staging: return "Candidate\(candidate) is being written into a standby slot."
    case .promoting: return "Candidate\(candidate) is becoming active."
    case .rollingBack: return "Snapshot\(candidate) is being taken back."
    case .learning, .comparing: return nil
    }
  }

  /// The last change of the active snapshot, or the last candidate that was refused after the gates; nil when
  /// a gate was shut after it.
  private var latestEvent: String? {
    let events = ["rollback", "shadow", "failure"].compactMap { last[$0] }.filter(bears)
    guard let event = events.max(by: { $0.isOlder(than: $1) }) else { return nil }
    let shut = last["gates"].map { event.isOlder(than: $0) && gates.contains { !$0.isOpen } } ?? false
    return shut ? nil : "Not replaced: \(sentence(event) ?? "")"
  }

  private func bears(_ stored: StoredRecord) -> Bool {
    if let promotion = last["promotion"], stored.isOlder(than: promotion) { return false }
    switch stored.record {
    case .shadow(let result): return !result.passed
    case .failure, .rollback: return now - stored.time < 600
    default: return true
    }
  }

  private var gateAnswer: String? {
    if let shut = gates.first(where: { !$0.isOpen }) {
      let since = last["promotion"] == nil ? "Not replaced" : "Not replaced since the last promotion"
      return "\(since): the \(shut.gate.rawValue) gate is shut; \(shut.evidence.reason)."
    }
    return gates.isEmpty ? lastChange : "All gates are open; the next candidate is on its way."
  }

  private var lastChange: String? {
    let changes = ["promotion", "rollback"].compactMap { last[$0] }
    return changes.max { $0.isOlder(than: $1) }.flatMap { sentence($0) }.map {
      $0.prefix(1).uppercased() + $0.dropFirst() + "."
    }
  }

  /// The trigger and the gates first, then what happened, newest first.
  var reasons: [String] {
    let words = gates.map { gate in
      "the \(gate.gate.rawValue) gate is \(gate.isOpen ? "open" : "shut"): " + Self.words(gate.evidence)
    }
    let trigger = (state?.trigger).map { trigger in
      "the trigger of learning, \(trigger.trigger.rawValue), is \(trigger.isOpen ? "open" : "shut"): "
        + Self.words(trigger.evidence)
    }
    let kinds = [
      "promotion", "verdict", "rollback", "pin", "shadow", "staged", "retrain", "failure", "progress",
      "batch",
    ]
    let events = kinds.compactMap { last[$0] }.sorted { $1.isOlder(than: $0) }
    return [trigger].compactMap(\.self) + words + events.compactMap(sentence)
  }

  private static func words(_ evidence: Evidence) -> String {
    "\(evidence.reason) (value \(evidence.value.map(NumberText.short) ?? "none yet"), threshold "
      + "\(NumberText.short(evidence.threshold)))"
  }

  private func sentence(_ stored: StoredRecord) -> String? {
    RecordWords(stored.record).sentence.map { "\($0), \(Self.ago(now - stored.time))" }
  }

  static func ago(_ seconds: Double) -> String {
    seconds < 1 ? "just now" : "\(DurationText.short(seconds: seconds.rounded())) ago"
  }
}

extension StoredRecord {
  /// By their order in the history: the wall clock may have been set back between them.
  fileprivate func isOlder(than other: StoredRecord) -> Bool {
    if let id, let otherID = other.id { return id < otherID }
    return time < other.time
  }
}
