import Foundation
import MedullaSnapshot
import TestbedCases
import Testing

@testable import TestbedBaselines
@testable import TestbedExperiments
@testable import TestbedLargeScale
@testable import TestbedLink

@Suite("Large scale: paths in a fabric")
struct BalancingScenarioTests {
  private func run(
    _ scheme: BalancingScheme, _ round: Int, _ fabric: BalancingFabric = .even, long: Double
  ) -> StudyRun {
    let reading = Reading([
      SizeClass.long.microseconds.mean: long, SizeClass.short.microseconds.mean: long / 50,
      Scheduling.unfinished: 0, Scheduling.checked: 2, Scheduling.wrong: 0,
    ])
    let cell = StudyCell().with(Balancing.fabrics, fabric.rawValue).with(Balancing.schemes, scheme.name)
    return StudyRun(cell, round: round, reading)
  }

  @Test("what is judged is the end of the interval that is against us, of ratios paired by workload")
  func intervals() throws {
    let runs = [(0, 0.8), (1, 0.9), (2, 1.0)].flatMap { round, ratio in
      [run(.ecmp, round, long: 1_000), run(.kernel, round, long: 1_000 * ratio)]
    }
    let study = Balancing.fig17
    let verdict = study.judge(runs, study.plan, complete: true)
    func row(_ name: String) -> VerdictRow? { verdict.rows.first { $0.name == name } }
    // Student's t for two degrees of freedom: 0.9 ± 4.303 · 0.1 / √3.
    let upper = try #require(row("even, long flows: kernel over ecmp, upper end")?.value)
    #expect(abs(upper - 1.148) < 1e-3)
    #expect(row("even, long flows: kernel over ecmp, upper end")?.isMissed == true)
    #expect(abs((row("even, long flows: kernel below ecmp (%)")?.value ?? 0) - 10) < 1e-9)
    let paper = try #require(row("even, long flows: kernel below char (%)"))
    #expect(paper.source == "paper §5.3" && !paper.judged)
  }

  @Test("the uneven fabric has the schemes that can tell its paths apart, and every scheme runs somewhere")
  func cells() {
    let study = Balancing.fig17
    let cells = study.cells(study.plan)
    #expect(Set(cells.map { $0[Balancing.schemes] }) == Set(BalancingScheme.all.map(\.name)))
    #expect(cells.filter { $0[Balancing.fabrics] == "uneven" }.count == BalancingFabric.uneven.schemes.count)
    #expect(Set(cells).count == cells.count)
  }

  @Test("answers take as long as they do for sizes of flows")
  func latencies() {
    let pairs: [(BalancingScheme, SchedulingScheme)] = [
      (.kernel, .kernel), (.ring, .ring), (.char, .char), (.netlink, .netlink), (.engine, .engine),
    ]
    for (own, other) in pairs {
      #expect(own.name == other.name && own.latencyNanoseconds == other.latencyNanoseconds)
      #expect(own.serial == other.serial && own.holds)
    }
  }

  @Test("a plan that trains on what it simulates, or has no such fabric, is refused")
  func plans() throws {
    let study = Balancing.fig17
    for setting in ["seed=100", "leaves=1", "hosts=9", "schemes=mine", "fabrics=odd", "training_seeds=101"] {
      #expect(throws: TestbedError.self, "\(setting)") {
        try study.validate(study.replacing([setting], in: study.plan))
      }
    }
  }

  @Test(
    "end to end: flows complete on the paths that were chosen, and the simulator infers the same bits",
    .enabled(
      if: LargeScaleScenarioTests.hasNS3, "needs ns-3, which is optional: apt-get install libns3-dev g++ make"
    ))
  func endToEnd() throws {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("medulla-ns3-paths-\(getpid())")
    defer { try? FileManager.default.removeItem(at: directory) }
    let plan = Balancing.fig17.quickPlan
    var workload = LargeScaleCases.workload(flows: 100)
    workload.crossedLeaves = 2
    let flows = try workload.draw(LargeScaleCases.sizes())
    let build = ScenarioBuild(sources: LargeScaleScenarioTests.sources, common: directory)
    let file = try PathPredictor(untrainedFor: 2, seed: 7).file
    let program = try PathProgram(build, file, directory: directory.appendingPathComponent("untrained"))
    let bits = program.snapshot.shape.outputFractionBits
    let schemes = [BalancingScheme.ecmp, .leastRoundTrip, .kernel.untrained, .engine.atFlowlets]
    let outputs = try PathProgram.run(
      schemes.map {
        PathProgram.Simulation(program, flows, $0.options(plan, fabric: .uneven, fractionBits: bits))
      }, atOnce: 2)
    for (scheme, output) in zip(schemes, outputs) {
      let (checked, wrong) = PathProgram.mismatches(output, program.snapshot)
      #expect(checked == 2 * flows.count && wrong == 0, "\(scheme.name)")
      let reading = Balancing.reading(output, checked: (checked, wrong))
      #expect(reading[Scheduling.unfinished] == 0, "\(scheme.name)")
      #expect(output.totals.digest == file.digest)
      let share = reading[Balancing.firstSpine] ?? 0
      // What an untrained network prefers nobody knows.
      #expect(scheme.source == .predicted || (share > 0.1 && share < 1), "\(scheme.name): \(share)")
    }
    let learned = PathSamples(outputs[0], fractionBits: program.snapshot.shape.featureFractionBits)
    #expect(learned.inputs.count == flows.count && learned.costs.allSatisfy { $0 > 3 && $0 < 20 })
    let bad = #expect(throws: TestbedError.self) {
      try PathProgram.run([PathProgram.Simulation(program, flows, ["spines": "3"])], atOnce: 1)
    }
    #expect(bad?.description.contains("spines") == true)
  }
}
