import Foundation
import MedullaAdaptation
import Testing

@testable import MedullaControl

@Suite("Why")
struct WhyReportTests {
  private static let now = 1_000.0

  private static func last(_ records: [(Double, LoopRecord)]) -> [String: StoredRecord] {
    var last: [String: StoredRecord] = [:]
    for (time, record) in records {
      last[record.kind] = StoredRecord(time: time, function: "m", record: record)
    }
    return last
  }

  private static func state(_ change: (inout RunnerState) -> Void) -> RunnerState {
    var state = RunnerState(name: "m", adapter: "simulator")
    state.isRunning = true
    change(&state)
    return state
  }

  static let shut = GateDecision(
    .necessity, isOpen: false,
    Evidence(
      value: 0.0123, threshold: 0.05, unit: .partOfOutputRange, count: 256,
      reason: "1.23% of the output's range"))
  static let open = GateDecision(
    .stability, isOpen: true,
    Evidence(
      value: 0.04, threshold: 0.1, unit: .partOfMean, count: 5, reason: "the value settled over 5 rounds"))

  @Test("a gate that is shut is the answer, with its numbers, and what happened before it follows")
  func golden() {
    let last = Self.last([
      (400, .promotion(PromotionRecord(version: 3, before: 2, isForced: false, seconds: 0.0008))),
      (
        410,
        .verdict(
          WatchVerdict(
            version: 3, outcome: .accepted, oldMean: 0.5, newMean: 0.61, oldSamples: 100, newSamples: 120,
            lossLimit: 0.05, significance: 0.01, seconds: 10))
      ),
      (
        999,
        .batch(BatchStatistics(seconds: 1, batches: 10, samples: 250, flows: 4, dropped: 0, discarded: 0))
      ),
    ])
    let report = WhyReport(
      function: "m", last: last, state: Self.state { $0.gates = [Self.open, Self.shut] }, now: Self.now)
    #expect(
      report.text == """
        m: Not replaced since the last promotion: the necessity gate is shut; 1.23% of the output's range.
          - the stability gate is open: the value settled over 5 rounds (value 0.04, threshold 0.1)
          - the necessity gate is shut: 1.23% of the output's range (value 0.0123, threshold 0.05)
          - 250 samples of 4 flows in 1s, 1s ago
          - snapshot 3 was accepted: mean reward 0.61 against 0.5 before (120 and 100 samples), 9.8m ago
          - snapshot 3 became active in place of 2 (800us), 10m ago
        """)
  }

  static let answers: [(state: RunnerState?, records: [(Double, LoopRecord)], answer: String)] = [
    (state { $0.isPaused = true }, [], "The loop is paused"),
    (RunnerState(name: "m", adapter: "none"), [], "no adapter is configured"),
    (state { _ in }, [], "Nothing has been decided yet"),
    (state { $0.gates = [open] }, [], "All gates are open"),
    (
      state {
        $0.phase = .watching
        $0.candidateVersion = 7
      }, [], "Snapshot 7 was promoted and is on trial"
    ),
    (
      state { $0.gates = [open] },
      [(990, .rollback(RollbackRecord(from: 4, to: 3, isAutomatic: true, backOffSeconds: 30)))],
      "snapshot 4 was taken back to 3 by the watch, next try in 30s"
    ),
    (
      state { $0.gates = [open] }, [(999, .failure(LoopFailure(step: .adapt, message: "boom\ntrace")))],
      "Not replaced: adapt failed: boom, 1s ago"
    ),
    (
      nil, [(900, .promotion(PromotionRecord(version: 2, before: 1, isForced: true, seconds: 1)))],
      "No daemon runs, so nothing is learned or replaced; the fast path goes on. Snapshot 2 became active"
    ),
  ]

  @Test("the answer is what holds the next snapshot up", arguments: answers)
  func answer(state: RunnerState?, records: [(Double, LoopRecord)], answer: String) {
    let report = WhyReport(function: "m", last: Self.last(records), state: state, now: Self.now)
    #expect(report.answer.contains(answer), "\(report.answer)")
  }

  @Test(
    "why tells each training anew in words and numbers, also one that was refused",
    arguments: [
      (
        RetrainRecord(
          .trained, reason: "macro-F1 fell", figures: ["proxy_upper": 0.81, "accepted": 0.92]),
        "the network was trained anew: macro-F1 fell (accepted 0.92, proxy upper 0.81), 1s ago"
      ),
      (
        RetrainRecord(.refused, reason: "worse on the memory"),
        "a network that was trained anew was refused: worse on the memory, 1s ago"
      ),
      (
        RetrainRecord(.postponed, reason: "one class", figures: ["labels": 40]),
        "the network was not trained anew: one class (labels 40), 1s ago"
      ),
    ])
  func retrain(record: RetrainRecord, sentence: String) {
    let report = WhyReport(
      function: "m", last: Self.last([(999, .retrain(record))]), state: Self.state { _ in }, now: Self.now)
    #expect(report.reasons.contains(sentence), "\(report.reasons)")
  }

  @Test("a frame of top fits 80 by 24, keeps what an adapter says from steering the terminal, and is plain")
  func frame() {
    var functions: [FunctionReport] = []
    for index in 0..<12 {
      var state = Self.state { $0.gates = [Self.open, Self.shut] }
      state.name = "function-\(index)"
      state.lastFailure = "adapt: \u{1B}[2J\u{7}" + String(repeating: "x", count: 200)
      functions.append(FunctionReport(state: state, bundle: "/b", kernel: nil, kernelError: "gone\nhelp: x"))
    }
    let report = DaemonReport(
      time: Self.now, version: "0", process: 1, user: "u", capabilities: [], uptimeSeconds: 5,
      configuration: "/c", socket: "/s", socketOrigin: "own", onStop: .keep,
      history: HistoryHealth(path: "/h"), functions: functions, chains: [])
    var trends = TopFrame.Trends()
    trends.add(report)
    trends.add(report)
    let frame = TopFrame(report, trends: trends, columns: 80, rows: 24, isColoured: false)
    #expect(frame.lines.count == 24)
    #expect(frame.lines.allSatisfy { $0.count <= 80 && !$0.contains("\u{1B}") && !$0.contains("\u{7}") })
    #expect(frame.lines.last?.contains("more lines") == true)
  }
}
