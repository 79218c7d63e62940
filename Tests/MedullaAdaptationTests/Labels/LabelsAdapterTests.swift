import Foundation
import MedullaBase
import MedullaDatapath
import MedullaLabels
import MedullaRetraining
import Testing

@testable import MedullaAdaptation

@Suite("An adapter that learns from labels", .serialized)
struct LabelsAdapterTests {
  private func accuracy(_ bench: LabelsBench) throws -> Double {
    let flows = try bench.batch(400)
    let right = flows.samples.filter { $0.outcomes[0] == bench.truth[$0.id].map(Int64.init) }
    return Double(right.count) / 400
  }

  @Test("three agents that err leave a good network alone, and teach it what has changed, in words")
  func learns() throws {
    let truth = FlowTruth()
    let agents = (0..<3).map { ScriptedLabeler.noisy("a\($0)", truth, error: 0.15, seed: UInt64($0) + 40) }
    let bench = try LabelsBench(agents, truth: truth)
    defer { bench.adapter.close() }
    var quiet: [LabelRound] = []
    for _ in 0..<6 { quiet += try bench.run(100) }
    #expect(quiet.retrains.isEmpty && !quiet.contains { $0.isReady })
    // A reward for each flow with a label, by the version that decided it: right nearly always.
    let rewards = quiet.rewards
    #expect(rewards.count > 400 && rewards.allSatisfy { $0.version == 1 })
    #expect(rewards.reduce(0) { $0 + $1.reward } > 0.9 * Double(rewards.count))
    bench.isOther = true
    let before = try accuracy(bench)
    #expect(before < 0.7)
    var told: [LabelRound] = []
    for _ in 0..<6 { told += try bench.run(100) }
    let trained = try #require(told.retrains.first { $0.outcome == .trained })
    #expect(trained.reason.contains("second has moved"), "\(trained.reason)")
    #expect((trained.figures["gate_held_out"] ?? 0) > 0.5, "\(trained.figures)")
    #expect(told.contains { $0.isReady })
    let after = try accuracy(bench)
    #expect(after > 0.9, "\(before) to \(after)")
    let reports = try #require(told.last?.agents)
    #expect(reports.map(\.name) == ["a0", "a1", "a2"])
    for report in reports {
      #expect(report.standing == .trusted && report.calls > 1_000)
      #expect(abs((report.errorRate ?? 1) - 0.15) < 0.1, "\(report)")
    }
  }

  @Test("a hostile agent beside two good ones is muted or turned around, and does no harm")
  func hostile() throws {
    let truth = FlowTruth()
    let liar = ScriptedLabeler.noisy("liar", truth, error: 1, seed: 5)
    let agents =
      [ScriptedLabeler.noisy("a", truth, error: 0.05, seed: 6), liar]
      + [ScriptedLabeler.noisy("b", truth, error: 0.05, seed: 7)]
    let bench = try LabelsBench(agents, truth: truth)
    defer { bench.adapter.close() }
    for _ in 0..<6 { try bench.run(100) }
    bench.isOther = true
    var last: [LabelRound] = []
    for _ in 0..<8 { last = try bench.run(100) }
    let after = try accuracy(bench)
    #expect(after > 0.9)
    let standings = last.last?.agents.map(\.standing) ?? []
    #expect(standings == [.trusted, .inverted, .trusted], "\(standings)")
  }

  @Test("a referee is asked where others differ, and only there; its word then counts with theirs")
  func referee() throws {
    let truth = FlowTruth()
    let judge = ScriptedLabeler.noisy("judge", truth)
    let agents = [
      ScriptedLabeler.noisy("a", truth), ScriptedLabeler.noisy("b", truth, error: 0.3, seed: 8), judge,
    ]
    let bench = try LabelsBench(agents, truth: truth) { $0.referee = "judge" }
    defer { bench.adapter.close() }
    var told: [LabelRound] = []
    for _ in 0..<3 { told += try bench.run(100) }
    let figures = try #require(told.last?.figures)
    #expect(judge.asked.count >= 20 && judge.asked.count <= 150, "\(judge.asked.count)")
    #expect(Set(judge.asked).count == judge.asked.count)
    #expect(figures["conflicts"] == Double(judge.asked.count), "\(figures)")
    #expect(figures["labels"] == 300)
  }

  @Test("flows that the network is unsure of are asked about at once; the answer acts on them and is a label")
  func cascade() throws {
    let truth = FlowTruth()
    let large = ScriptedLabeler.noisy("large", truth)
    let bench = try LabelsBench([ScriptedLabeler.noisy("a", truth), large], truth: truth) {
      ($0.cascade, $0.share) = ("large", 0.1)
    }
    defer { bench.adapter.close() }
    bench.unsure = 20
    let first = bench.nextSample
    let progress = try bench.run(100)
    #expect(bench.answers.count == 20)
    for sample in first..<(first + 20) {
      #expect(bench.answers[sample + 1_000_000] == truth[sample])
    }
    let figures = try #require(progress.last?.figures)
    #expect(figures["answered"] == 20)
    // Beside them a tenth of the others, by the share.
    #expect((figures["labels"] ?? 0) >= 25 && (figures["labels"] ?? 0) <= 35, "\(figures)")
    #expect(bench.adapter.learned.memory.offered == 0)
  }

  @Test("no more flows are asked about than the share allows, but for what a burst may owe")
  func share() throws {
    let truth = FlowTruth()
    let agent = ScriptedLabeler.noisy("a", truth)
    let bench = try LabelsBench([agent], truth: truth) { $0.share = 0.1 }
    defer { bench.adapter.close() }
    for _ in 0..<5 { try bench.run(100) }
    #expect(agent.asked.count == 50)
    bench.isOther = true
    for _ in 0..<10 { try bench.run(100) }
    #expect(agent.asked.count > 120 && agent.asked.count <= 200, "\(agent.asked.count)")
  }

  @Test("agents that hang or fail hold up neither batches nor the labels of others")
  func stuck() throws {
    let truth = FlowTruth()
    let gate = DispatchSemaphore(value: 0)
    struct Refusal: Error {}
    let agents: [any LabelingAgent] = [
      ScriptedLabeler.noisy("good", truth),
      ScriptedLabeler("hung") { _ in
        gate.wait()
        return []
      },
      ScriptedLabeler("broken") { _ in throw Refusal() },
    ]
    let seat = SeatSettings(
      deadline: .milliseconds(100), firstWait: .milliseconds(20), longestWait: .milliseconds(50))
    let bench = try LabelsBench(agents, truth: truth, seat: seat)
    let begin = MonotonicClock.now
    for _ in 0..<20 { _ = try bench.adapter.adapt(bench.batch(10)) }
    #expect(MonotonicClock.now - begin < .seconds(2))
    let progress = try bench.run(100)
    let reports = try #require(progress.last?.agents)
    #expect(reports[1].state.phase == .overdue, "\(reports[1].state)")
    #expect(reports[2].state.counts.failures > 0)
    #expect((progress.last?.figures["labels"] ?? 0) >= 200)
    gate.signal()
    for _ in 0..<100 { gate.signal() }
    bench.adapter.close()
  }

  @Test("files of another network's labels, or broken ones, are refused with their name and a way out")
  func refused() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/labels-refused-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let truth = FlowTruth()
    try LabelsBench([ScriptedLabeler.noisy("a", truth)], truth: truth, folder: folder).adapter.close()
    let path = folder + "/labels.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for (broken, word) in [
      (text.replacingOccurrences(of: "benign", with: "other"), "other classes"),
      (String(text.dropLast(40)), "cannot be read"),
    ] {
      try broken.write(toFile: path, atomically: true, encoding: .utf8)
      let error = #expect(throws: AdaptationError.self) {
        try LabelsBench([ScriptedLabeler.noisy("a", truth)], truth: truth, folder: folder)
      }
      #expect(error?.message.contains(path) == true && "\(error as Any)".contains(word), "\(error as Any)")
      let kept = try String(contentsOfFile: path, encoding: .utf8)
      #expect(kept == broken)
    }
  }
}
