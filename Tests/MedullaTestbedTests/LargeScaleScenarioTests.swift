import Foundation
import MedullaSnapshot
import Testing

@testable import MedullaTestbed

@Suite("Large scale: scheduling in a fabric")
struct LargeScaleScenarioTests {
  /// The project's own, wherever the tests run.
  static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("scenarios/ns3").path
  static let hasNS3 = (try? NS3Installation.find()) != nil

  private func run(
    _ scheme: SchedulingScheme, _ seed: UInt64, short: Int, long: Int, unfinished: Int = 0, wrong: Int = 0
  ) throws -> SchedulingRun {
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
    return SchedulingRun(
      scheme, seed: seed, output, checked: (10, wrong),
      accuracy: FlowSizeAccuracy(
        flows: 1, rightBand: 1, withinOneBand: 1, errorBits: 0, rightBandOfPrevious: 0,
        rightBandOfMostFrequent: 0))
  }

  @Test("a run's figures come from its flows: classes, unfinished and unanswered ones")
  func figures() throws {
    let run = try run(.kernel, 1, short: 30, long: 900, unfinished: 2)
    #expect(run.times(.short)?.mean == 30)
    #expect(run.times(.long)?.p99 == 900)
    #expect(run.times(.middle) == nil)
    #expect(run.unfinished == 2)
    #expect(run.unanswered == 2)
    #expect(run.rightBand == 0.5)
    #expect(run.waitMicroseconds == 1.5)
  }

  @Test(
    "output that is cut off or malformed is refused",
    arguments: ["", "{}", #"{"flow":0}"#, "not json\n{}"])
  func unreadable(text: String) {
    let error = #expect(throws: TestbedError.self) { try FabricProgram.parse(Array(text.utf8), flows: 1) }
    #expect(error?.code == .unreadableReport)
  }

  @Test("gaps are paired by workload; a few microseconds that move nothing are no miss")
  func verdict() throws {
    var plan = SchedulingPlan()
    plan.repeats = 2
    plan.schemes = [.off, .kernel, .char]
    var runs: [SchedulingRun] = []
    for (seed, scale) in [(UInt64(1), 1), (2, 3)] {
      runs.append(try run(.off, seed, short: 100 * scale, long: 1000 * scale))
      runs.append(try run(.kernel, seed, short: 40 * scale, long: 990 * scale))
      runs.append(try run(.char, seed, short: 50 * scale, long: 1000 * scale))
    }
    let (rows, faults) = SchedulingExperiment.judge(runs, plan)
    func value(_ name: String) -> Double? { rows.first { $0.name == name }?.value }
    #expect(faults.isEmpty)
    #expect(abs((value("short flows: kernel below char (%)") ?? 0) - 20) < 1e-9)
    #expect(abs(value("short flows: kernel below char (%) ±") ?? 1) < 1e-9)
    #expect(value("short flows: kernel below char (%), the paper") == 10.9)
    #expect(abs((value("long flows: kernel below char (%)") ?? 0) - 1) < 1e-9)
    #expect(value("short flows: kernel over plain DCTCP") == 0.4)
    #expect(value("paper's gaps that appear, at least half as large") == 1)
    #expect(TargetVerdict(rows, complete: true).met)
    #expect(!TargetVerdict(rows, complete: plan.isComplete).complete)
  }

  @Test("a flow that never ends and a wrong bit are misses")
  func misses() throws {
    let plan = SchedulingPlan()
    let runs = [
      try run(.off, 1, short: 100, long: 1000), try run(.kernel, 1, short: 50, long: 900, unfinished: 1),
      try run(.char, 1, short: 50, long: 900, wrong: 1),
    ]
    let verdict = TargetVerdict(SchedulingExperiment.judge(runs, plan).rows, complete: true)
    #expect(!verdict.met)
    #expect(verdict.misses.count == 2, "\(verdict.misses)")
  }

  @Test("a plan that trains on what it simulates, or has no such fabric, is refused")
  func plans() throws {
    var plan = SchedulingPlan()
    try plan.validate()
    try SchedulingPlan.quick.validate()
    #expect(plan.isComplete && !SchedulingPlan.quick.isComplete)
    plan.seed = 100
    #expect(throws: TestbedError.self) { try plan.validate() }
    plan = SchedulingPlan()
    plan.leaves = 5
    #expect(throws: TestbedError.self) { try plan.validate() }
    plan = SchedulingPlan()
    plan.schemes = [.kernel, .kernel]
    #expect(throws: TestbedError.self) { try plan.validate() }
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
    var plan = SchedulingPlan.quick
    plan.workload = LargeScaleCases.workload(flows: 150)
    plan.workload.load = 0.7
    let sizes = try LargeScaleCases.sizes()
    let predictor = try FlowSizePredictor(
      like: plan.workload, sizes: sizes, training: LargeScaleCases.training())
    let snapshot = predictor.file.snapshot
    let program = try FabricProgram(
      sources: Self.sources, snapshot: predictor.file, directory: directory)
    let flows = try plan.workload.draw(sizes)
    let features = FlowSizeFeatures.atStart(of: flows).map(ReferenceInterpreter(snapshot).fixedPoint)
    var means: [String: Double] = [:]
    for scheme in [SchedulingScheme.off, .ideal, .engine.contended] {
      let output = try program.run(
        flows, features: features, bands: plan.bands,
        options: scheme.options(plan, fractionBits: snapshot.shape.outputFractionBits))
      let (checked, wrong) = FabricProgram.mismatches(output, snapshot)
      let run = SchedulingRun(
        scheme, seed: 1, output, checked: (checked, wrong),
        accuracy: FlowSizeAccuracy(snapshot, on: flows, bands: plan.bands))
      #expect(run.unfinished == 0)
      #expect(output.totals.digest == predictor.file.digest)
      #expect(wrong == 0)
      #expect(checked == (scheme.source == .predicted ? 2 * flows.count : 0))
      means[scheme.name] = run.times(.short)?.mean
    }
    #expect((means["ideal"] ?? .infinity) < (means["off"] ?? 0), "\(means)")
    let bad = #expect(throws: TestbedError.self) {
      try program.run(flows, features: features, bands: plan.bands, options: ["hosts": "3"])
    }
    #expect(bad?.message.contains("fabric") == true)
  }
}
