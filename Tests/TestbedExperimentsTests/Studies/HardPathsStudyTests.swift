import TestbedCases
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

@Suite("The study of hard paths")
struct HardPathsStudyTests {
  private let study = HardPaths.study

  /// A case's run, as it should be.
  static let carried: @Sendable (StudyCell) -> [String: Double] = { cell in
    let isCubic = cell.text() == "cubic"
    return [
      "share": 0.95, "goodput_mbps": 44, "queue_ms_mean": isCubic ? 20 : 4, "queue_ms_p95": isCubic ? 60 : 15,
      "loss_share": 0.01, "recovery_s": 3, "largest_queue_bdp": 0.6, "jain": 0.97, "least_jain": 0.95,
      "far_share": 0.7,
    ]
  }

  /// A scheme that sends next to nothing has no queue and no loss.
  static let starved: @Sendable (StudyCell) -> [String: Double] = { cell in
    guard cell.text() == "medulla" else { return carried(cell) }
    return [
      "share": 0.01, "goodput_mbps": 0.5, "queue_ms_mean": 0, "queue_ms_p95": 0, "loss_share": 0,
      "recovery_s": 40, "largest_queue_bdp": 0, "jain": 0.2, "least_jain": 0.3, "far_share": 0.01,
    ]
  }

  /// A scheme that fills every buffer, as one that does not yield.
  static let greedy: @Sendable (StudyCell) -> [String: Double] = { cell in
    guard cell.text() == "medulla" else { return carried(cell) }
    return [
      "share": 0.97, "goodput_mbps": 45, "queue_ms_mean": 80, "queue_ms_p95": 160, "loss_share": 0.3,
      "recovery_s": 1, "largest_queue_bdp": 2, "jain": 0.5, "least_jain": 0.3, "far_share": 0.1,
    ]
  }

  private func misses(
    _ path: String, _ reading: @Sendable (StudyCell) -> [String: Double]
  ) -> [String] {
    let runs = study.cells(study.plan).map { cell in
      StudyRun(
        cell, round: 0, Reading(keyed: cell.text("path") == path ? reading(cell) : Self.carried(cell)))
    }
    return study.judge(runs, study.plan, complete: true).misses
  }

  @Test("who starves misses on every path that has a bound", arguments: HardPath.all.map(\.name))
  func starves(path: String) {
    let misses = misses(path, Self.starved)
    #expect(misses.isEmpty == (path == "alone"), "\(misses)")
    #expect(misses.allSatisfy { $0.hasPrefix(path) }, "\(misses)")
  }

  @Test(
    "who fills buffers and loses misses where a queue, loss or another's part is bounded",
    arguments: [
      ("step-rtt", 1), ("policer", 1), ("joining", 1), ("rtt-fairness", 1), ("many-flows", 2), ("codel", 1),
      ("pie", 1), ("cellular", 1), ("alone", 0), ("loss-5", 0), ("gigabit", 0),
    ])
  func greedy(path: String, count: Int) {
    #expect(misses(path, Self.greedy).count == count, "\(misses(path, Self.greedy))")
  }

  private static let beyond: [(path: String, key: String, value: Double, miss: String)] = [
    ("step-rtt", "recovery_s", 11, "step-rtt, in kernel: seconds until 90% of capacity (s): 11.0"),
    ("step-rtt", "largest_queue_bdp", 1.01, "step-rtt, in kernel: largest queue after that (BDP): 1.010"),
    ("step-rtt-short", "share", 0.89, "step-rtt-short, in kernel: share of capacity: 0.890"),
    ("policer", "loss_share", 0.021, "policer, in kernel: share of segments lost: 0.0210"),
    ("policer", "share", 0.84, "policer, in kernel: share of capacity: 0.840"),
    ("aggregation", "share", 0.89, "aggregation, in kernel: share of capacity: 0.890"),
    ("slow-return", "share", 0.89, "slow-return, in kernel: share of capacity: 0.890"),
    ("loss-0.1", "share", 0.89, "loss-0.1, in kernel: share of capacity: 0.890"),
    ("loss-5", "share", 0.89, "loss-5, in kernel: share of capacity: 0.890"),
    ("burst-loss", "share", 0.84, "burst-loss, in kernel: share of capacity: 0.840"),
    ("reordering", "share", 0.84, "reordering, in kernel: share of capacity: 0.840"),
    ("duplicates", "share", 0.84, "duplicates, in kernel: share of capacity: 0.840"),
    ("joining", "least_jain", 0.89, "joining, in kernel: least Jain's index after a join: 0.890"),
    ("rtt-fairness", "far_share", 0.39, "rtt-fairness, in kernel: longer's goodput over an equal part"),
    ("many-flows", "jain", 0.79, "many-flows, in kernel: Jain's index: 0.790"),
    ("many-flows", "loss_share", 0.051, "many-flows, in kernel: share of segments lost: 0.0510"),
    ("codel", "goodput_mbps", 43, "codel: goodput over CUBIC's: 0.977"),
    ("pie", "queue_ms_mean", 21, "pie: mean queue over CUBIC's: 1.050"),
    ("cellular", "queue_ms_p95", 31, "cellular: queue p95 over CUBIC's: 0.517"),
    ("cellular", "goodput_mbps", 39, "cellular: goodput over CUBIC's: 0.886"),
    ("two-gigabit", "share", 0.89, "two-gigabit, in kernel: share of capacity: 0.890"),
  ]

  @Test("one figure beyond its bound is a miss by its name", arguments: beyond)
  func missed(path: String, key: String, value: Double, miss: String) {
    let misses = misses(path) { cell in
      var values = Self.carried(cell)
      if cell.text() == "medulla" { values[key] = value }
      return values
    }
    #expect(misses.count == 1 && misses[0].hasPrefix(miss), "\(misses)")
  }

  @Test("a run in which the emulator fell behind is a miss, whatever its figures")
  func fellBehind() {
    let runs = study.cells(study.plan).map { cell in
      let isLate = cell.text("path") == "two-gigabit" && cell.text() == "medulla"
      return StudyRun(
        cell, round: 0, Reading(keyed: Self.carried(cell), faults: isLate ? [Reading.late] : []))
    }
    let misses = study.judge(runs, study.plan, complete: true).misses
    #expect(misses == ["two-gigabit, in kernel: the emulator fell behind"])
  }

  @Test("one path can be asked for, and unknown ones and runs that are too short are refused")
  func plans() throws {
    let one = try study.replacing(["paths=policer", "seconds=8"], in: study.plan)
    try study.validate(one)
    #expect(study.runCount(one) == 6 && !study.isComplete(one))
    #expect(try !study.isComplete(study.replacing(["seconds=60"], in: study.plan)))
    for setting in ["paths=polcer", "paths=[]", "paths=policer,policer", "seconds=5", "seconds=-1"] {
      #expect(throws: TestbedError.self, "\(setting)") {
        try study.validate(study.replacing([setting], in: study.plan))
      }
    }
    for path in HardPath.all { try path.link(path.seconds, 7).validate() }
  }
}

@Suite("The cases of hard paths")
struct HardPathCaseTests {
  private func link(_ name: String) throws -> LinkConfiguration {
    let path = try #require(HardPath.named(name))
    return try path.link(path.seconds, 1)
  }

  @Test("each path is what its name says")
  func links() throws {
    let alone = try link("alone").forward
    #expect(alone.bitsPerSecond == 48e6 && alone.delayNanoseconds == 20_000_000)
    #expect(alone.bufferBytes == 240_000)
    // A lossless step of the round trip has room for two products of the new path: 480 kB each.
    #expect(try link("step-rtt").forward.bufferBytes == 960_000)
    #expect(try link("step-rtt-short").forward.bufferBytes == 120_000)
    let policer = try link("policer").forward
    #expect(policer.bitsPerSecond == 100e6)
    #expect(policer.policer == Policing(bitsPerSecond: 10e6, burstBytes: 30_000))
    #expect(try link("aggregation").backward.aggregationNanoseconds == 10_000_000)
    #expect(try link("slow-return").backward.bitsPerSecond == 960_000)
    #expect(
      try ["loss-0.1", "loss-1", "loss-5"].map { try link($0).forward.lossProbability } == [
        0.001, 0.01, 0.05,
      ])
    let bursts = try #require(try link("burst-loss").forward.burstLoss)
    #expect(abs(bursts.meanLoss - 0.01) < 1e-12 && bursts.meanBurst == 8)
    let far = try link("rtt-fairness")
    #expect(far.forward.delayNanoseconds == 5_000_000)
    #expect(far.forward.portDelay == PortDelay(port: 5202, extraNanoseconds: 45_000_000))
    #expect(far.backward.portDelay == far.forward.portDelay)
    // A second of 10 Mbit/s.
    #expect(try link("many-flows").forward.bufferBytes == 1_250_000)
    #expect(try link("codel").forward.queue == .codel && link("pie").forward.queue == .pie)
    #expect(try link("two-gigabit").forward.bufferBytes == 2_500_000)
  }

  @Test("a shorter run has its times shortened alike")
  func times() throws {
    let step = try #require(HardPath.named("step-rtt"))
    #expect(step.times(0) == HardPath.Times(seconds: 60, warmUp: 10, scale: 1))
    #expect(step.times(12) == HardPath.Times(seconds: 12, warmUp: 2, scale: 0.2))
    let joining = try #require(HardPath.named("joining"))
    #expect(joining.seconds == 25 && joining.traffic == .joining(5, every: 5))
  }

  @Test("recovery is the end of the first second with 90% of the capacity, or all that there were")
  func recovery() throws {
    let trial = try HardPathTrial(
      try #require(HardPath.named("step-rtt")), asked: 0, seed: 1, executable: "none")
    // 48 Mbit/s carry 46.3 of payload, and nine tenths of that are 41.7.
    #expect(trial.recovery([10, 41.6, 41.8, 5], within: 40) == 3)
    #expect(trial.recovery([42], within: 40) == 1)
    #expect(trial.recovery([10, 20, 30], within: 40) == 40)
    #expect(trial.recovery([], within: 40) == 40)
  }

  @Test("the least index leaves out the flow that is alone, and flows without anything are not equal")
  func joins() {
    #expect(HardPathTrial.least([[5], [5, 5], [6, 3, 3]]) == 144.0 / (3 * 54))
    #expect(HardPathTrial.least([[0], [4, 0]]) == 0.5)
    #expect(HardPathTrial.least([[1], [0, 0]]) == 0)
    #expect(HardPathTrial.least([[1]]) == 0 && HardPathTrial.least([]) == 0)
  }

  @Test("the largest queue is that of the bins between two times")
  func largest() {
    let link = LinkConfiguration(forward: .init(), backward: .init())
    var queue = PathQueue(.init(), link: link, seed: 1, origin: 1_000_000_000)
    queue.beginWindow(at: 1_050_000_000)
    var report = PathReport(queue)
    report.bins.queueBytesMaximum = [9, 8, 1, 2, 7]
    // Bins of 10 ms.
    func largest(_ start: UInt64, _ end: UInt64) -> Int {
      report.largestQueue(from: 1_000_000_000 + start * 1_000_000, to: 1_000_000_000 + end * 1_000_000)
    }
    #expect(largest(0, 50) == 9 && largest(5, 50) == 8 && largest(20, 40) == 2 && largest(20, 90) == 7)
    #expect(largest(80, 90) == 7 && largest(40, 40) == 2)
    report.bins.queueBytesMaximum = []
    #expect(largest(0, 50) == 0)
  }

  @Test("what was policed, dropped and lost are one share of what came")
  func losses() {
    let link = LinkConfiguration(forward: .init(), backward: .init())
    var queue = PathQueue(.init(), link: link, seed: 1, origin: 0)
    queue.beginWindow(at: 1)
    var window = PathReport(queue).windows[0]
    #expect(HardPathTrial.lost(window) == 0)
    (window.arrivedSegments, window.droppedSegments) = (100, 1)
    (window.lostSegments, window.policedSegments) = (2, 3)
    #expect(HardPathTrial.lost(window) == 0.06)
  }

  @Test("the cellular model wanders between an outage and a thousand packets a second, by its seed")
  func cellular() throws {
    let rates = (1...20).flatMap { CellularTrace.rates(seconds: 60, seed: UInt64($0)) }
    #expect(rates.count == 20 * 3_000 && rates.allSatisfy { (0...CellularTrace.most).contains($0) })
    #expect(rates.contains(0) && rates.contains(CellularTrace.most))
    let mean = rates.reduce(0, +) / Double(rates.count)
    #expect((350...650).contains(mean), "\(mean)")
    // 200 packets/s/√s over 20 ms, where nothing holds it.
    let steps = zip(rates, rates.dropFirst()).filter { (200...800).contains($0.0) }.map { $1 - $0 }
    let spread = (steps.reduce(0) { $0 + $1 * $1 } / Double(steps.count)).squareRoot()
    #expect((26...31).contains(spread), "\(spread)")
    let trace = try CellularTrace.trace(seconds: 60, seed: 4)
    let wanted = CellularTrace.rates(seconds: 60, seed: 4).reduce(0, +) * 0.02
    #expect(abs(Double(trace.opportunities.count) - wanted) < 5 * wanted.squareRoot())
    #expect(try CellularTrace.trace(seconds: 60, seed: 4) == trace)
    #expect(try CellularTrace.trace(seconds: 60, seed: 5) != trace)
  }
}

extension RealLinks {
  @Suite("Hard paths on a real link")
  struct HardPathRunTests {
    @Test(
      "a policed flow and one that is farther away are carried, and told what they got",
      .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
    func measured() throws {
      let study = HardPaths.study
      let plan = try study.replacing(
        ["paths=policer,rtt-fairness", "schemes=cubic", "seconds=6", "repeats=1"], in: study.plan)
      let context = StudyContext(models: BaselineHost.models, executable: TestHost.lab)
      let result = try study.perform(plan, context: context)
      #expect(result.runs.count == 2 && !result.verdict.complete)
      for run in result.runs {
        let share = run[HardPathTrial.share] ?? 0
        // Above, what the link allows; below, what a busy machine cannot explain.
        #expect(share <= 1.1 && share > (run.faults.isEmpty ? 0.1 : 0), "\(run.cell.title): \(share)")
        if run.cell.text("path") == "policer" {
          #expect((run[HardPathTrial.loss] ?? 0) > 0)
        } else {
          #expect((run[HardPathTrial.farShare] ?? 0) > 0)
        }
      }
    }
  }
}
