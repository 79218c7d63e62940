import Foundation
import MedullaSnapshot
import TestbedCases
import Testing

@testable import TestbedBaselines
@testable import TestbedExperiments
@testable import TestbedLargeScale
@testable import TestbedLink

@Suite("Large scale: scheduling in a fabric")
struct LargeScaleScenarioTests {
  /// The project's own, wherever the tests run.
  static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("scenarios/ns3").path
  static let hasNS3 = (try? NS3Installation.find()) != nil

  private func run(
    _ scheme: SchedulingScheme, _ round: Int, short: Int, long: Int, unfinished: Int = 0, wrong: Int = 0
  ) throws -> StudyRun {
    var lines = [short, long].enumerated().map { index, microseconds in
      """
      {"flow":\(index),"bytes":\(index == 0 ? 500 : 500_000),"true_band":0,"band":0,"questions":0,\
      "fct_ns":\(microseconds * 1000)}
      """
    }
    for index in 0..<unfinished {
      lines.append(#"{"flow":\#(2 + index),"bytes":50000,"true_band":1,"band":0,"questions":1}"#)
    }
    lines.append(
      #"{"digest":"d","events":9,"simulated_ns":1000,"wall_s":0.5,"dropped":1,"marked":2,"asked":3,"#
        + #""refused":1,"wait_mean_ns":1500,"wait_most_ns":4000}"#)
    let output = try FabricProgram.parse(Array(lines.joined(separator: "\n").utf8), flows: lines.count - 1)
    let reading = Scheduling.reading(
      output, checked: (10, wrong),
      accuracy: FlowSizeAccuracy(
        flows: 1, rightBand: 1, withinOneBand: 1, errorBits: 0, rightBandOfPrevious: 0,
        rightBandOfMostFrequent: 0))
    return StudyRun(StudyCell().with(Scheduling.schemes, scheme.name), round: round, reading)
  }

  @Test("a run's figures come from its flows: classes, unfinished and unanswered ones")
  func figures() throws {
    let run = try run(.kernel, 0, short: 30, long: 900, unfinished: 2)
    #expect(run[SizeClass.short.microseconds.mean] == 30)
    #expect(run[SizeClass.long.microseconds.p99] == 900)
    #expect(run[SizeClass.middle.microseconds.mean] == nil)
    #expect(run[Scheduling.unfinished] == 2)
    #expect(run[Scheduling.unanswered] == 2)
    #expect(run[Scheduling.rightBand] == 0.5)
    #expect(run[Scheduling.wait] == 1.5)
  }

  @Test(
    "output that is cut off or malformed is refused",
    arguments: ["", "{}", #"{"flow":0}"#, "not json\n{}"])
  func unreadable(text: String) {
    let error = #expect(throws: TestbedError.self) { try FabricProgram.parse(Array(text.utf8), flows: 1) }
    #expect(error?.code == .unreadableReport)
  }

  @Test("gaps are paired by workload, and stand beside the paper's, which are not judged")
  func verdict() throws {
    var runs: [StudyRun] = []
    for (round, scale) in [(0, 1), (1, 3)] {
      runs.append(try run(.off, round, short: 100 * scale, long: 1000 * scale))
      runs.append(try run(.kernel, round, short: 40 * scale, long: 990 * scale))
      runs.append(try run(.char, round, short: 50 * scale, long: 1000 * scale))
      runs.append(try run(.kernel.frozen, round, short: 60 * scale, long: 1000 * scale))
    }
    let study = Scheduling.fig16
    let verdict = study.judge(runs, study.plan, complete: true)
    func row(_ name: String) -> VerdictRow? { verdict.rows.first { $0.name == name } }
    let gap = try #require(row("short flows: kernel below char (%)"))
    #expect(abs((gap.value ?? 0) - 20) < 1e-9 && abs(gap.interval ?? 1) < 1e-9)
    #expect(gap.bound == .atLeast(10.9) && gap.source == "paper §5.2" && !gap.judged && gap.holds == true)
    let long = try #require(row("long flows: kernel below char (%)"))
    #expect(abs((long.value ?? 0) - 1) < 1e-9 && long.isMissed && !long.judged)
    #expect(row("short flows: kernel over plain DCTCP")?.value == 0.4)
    #expect(verdict.met, "\(verdict.misses)")
  }

  @Test("a flow that never ends and a wrong bit are misses")
  func misses() throws {
    let runs = try (0..<2).flatMap { round in
      [
        try run(.off, round, short: 100, long: 1000),
        try run(.kernel, round, short: 50, long: 900, unfinished: 1),
        try run(.kernel.frozen, round, short: 60, long: 1000),
        try run(.char, round, short: 50, long: 900, wrong: 1),
      ]
    }
    let misses = Scheduling.fig16.judge(runs, Scheduling.fig16.plan, complete: true).misses
    #expect(misses.count == 2, "\(misses)")
  }

  @Test("applications before they changed are as many of each kind, and their networks know no better")
  func earlier() {
    let plan = Scheduling.fig16.plan
    let (now, before) = (Scheduling.workload(plan, round: 0).kinds, Scheduling.earlier(plan).kinds)
    #expect(now.map(\.share) == before.map(\.share) && now.map(\.writeBytes) == before.map(\.writeBytes))
    #expect(now.map(\.preference) == before.map { -$0.preference })
    #expect(SchedulingScheme.all.filter(\.isFrozen).map(\.name) == ["kernel/not-adapted"])
  }

  @Test("a plan that trains on what it simulates, or has no such fabric, is refused")
  func plans() throws {
    let study = Scheduling.fig16
    for setting in ["seed=100", "leaves=5", "schemes=kernel,kernel", "schemes=mine", "packet_bytes=9001"] {
      #expect(throws: TestbedError.self, "\(setting)") {
        try study.validate(study.replacing([setting], in: study.plan))
      }
    }
  }

  @Test("where ns-3 is missing, the error says how to install it")
  func withoutNS3() {
    let error = #expect(throws: TestbedError.self) { try NS3Installation.find(roots: ["/nonexistent"]) }
    #expect(error?.code == .missingProgram)
    #expect(error?.remedy.contains("apt-get install libns3-dev") == true)
  }

  @Test(
    "end to end: every flow completes, priorities help short flows, and the simulator infers the same bits",
    .enabled(if: hasNS3, "needs ns-3, which is optional: apt-get install libns3-dev g++ make"))
  func endToEnd() throws {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("medulla-ns3-test-\(getpid())")
    defer { try? FileManager.default.removeItem(at: directory) }
    let plan = Scheduling.fig16.quickPlan
    var workload = LargeScaleCases.workload(flows: 150)
    workload.load = 0.7
    let bands = FlowBands()
    let sizes = try LargeScaleCases.sizes()
    let predictor = try FlowSizePredictor(
      like: workload, sizes: sizes, training: LargeScaleCases.training())
    let snapshot = predictor.file.snapshot
    let program = try FabricProgram(
      sources: Self.sources, snapshot: predictor.file, directory: directory)
    let flows = try workload.draw(sizes)
    let features = FlowSizeFeatures.atStart(of: flows).map(ReferenceInterpreter(snapshot).fixedPoint)
    var means: [String: Double] = [:]
    for scheme in [SchedulingScheme.off, .ideal, .engine.contended] {
      let output = try program.run(
        flows, features: features, bands: bands,
        options: scheme.options(plan, bands, fractionBits: snapshot.shape.outputFractionBits))
      let (checked, wrong) = FabricProgram.mismatches(output, snapshot)
      let reading = Scheduling.reading(
        output, checked: (checked, wrong), accuracy: FlowSizeAccuracy(snapshot, on: flows, bands: bands))
      #expect(reading[Scheduling.unfinished] == 0)
      #expect(output.totals.digest == predictor.file.digest)
      #expect(wrong == 0)
      #expect(checked == (scheme.source == .predicted ? 2 * flows.count : 0))
      means[scheme.name] = reading[SizeClass.short.microseconds.mean]
    }
    #expect((means["ideal"] ?? .infinity) < (means["off"] ?? 0), "\(means)")
    let bad = #expect(throws: TestbedError.self) {
      try program.run(flows, features: features, bands: bands, options: ["hosts": "3"])
    }
    #expect(bad?.description.contains("a fabric has") == true)
  }
}
