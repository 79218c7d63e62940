import Testing

@testable import MedullaTestbed

@Suite("The experiment of small answers beside large flows")
struct InteractiveExperimentTests {
  private func run(
    _ name: String, p95: Double = 100, bulk: Double = 20, lost: Int = 0, fellBehind: Bool = false,
    answers: Int = 500
  ) throws -> InteractiveRun {
    var requests = RequestResponse.Counts()
    (requests.asked, requests.answered) = (answers + lost, answers)
    return InteractiveRun(
      scheme: try #require(SteeringScheme(name)), round: 0, aloneMs: Percentiles([31]),
      answerMs: Percentiles([p95]), answerQuantilesMs: [Double](repeating: p95, count: 51), answers: answers,
      bulkMbps: bulk, bursts: 5, burstMbps: Percentiles([9]), burstTailMs: Percentiles([120]),
      requests: requests, onOff: OnOffFlows.Counts(), bulkRetransmits: 0, queueMs: Percentiles([50]),
      dropped: 0, fellBehind: fellBehind)
  }

  private func verdict(_ runs: [InteractiveRun]) -> TargetVerdict {
    let (rows, faults) = InteractiveExperiment.judge(runs, InteractivePlan())
    return TargetVerdict(rows, faults: faults, complete: true)
  }

  @Test("the verdict asks for answers no slower than CUBIC's, for bulk goodput, and that nothing is lost")
  func targets() throws {
    let cubic = try run("cubic")
    #expect(verdict([try run("medulla"), cubic]).met)
    #expect(verdict([try run("medulla", p95: 60, bulk: 17), cubic]).met)
    let table: [(InteractiveRun, String)] = [
      (try run("medulla", p95: 101), "answers' p95, in kernel over CUBIC: 1.010, target ≤ 1.000"),
      (try run("medulla", bulk: 16), "bulk goodput, in kernel over CUBIC: 0.800, target ≥ 0.850"),
      (try run("medulla", lost: 2), "requests and bursts without an end: 2, target ≤ 0"),
      (try run("medulla", fellBehind: true), "in kernel: the emulator fell behind"),
    ]
    for (own, miss) in table { #expect(verdict([own, cubic]).misses == [miss]) }
  }

  @Test("without CUBIC beside it, or without answers, the targets are missed and not met by nothing")
  func nothing() throws {
    #expect(verdict([try run("medulla")]).misses.count == 2)
    #expect(verdict([try run("medulla", answers: 0), try run("cubic")]).misses.count == 3)
    #expect(!verdict([]).met)
  }

  @Test("bursts that broke, were skipped or had no end are all counted as lost")
  func losses() throws {
    var run = try run("cubic", lost: 1)
    (run.onOff.begun, run.onOff.completed, run.onOff.broken, run.onOff.skipped) = (10, 5, 2, 4)
    #expect(run.lost == 1 + 2 + 3 + 4)
  }

  @Test("plots show every scheme, and the plan has the bottleneck on the data's way")
  func plots() throws {
    let runs = [try run("medulla"), try run("cubic"), try run("bbr")]
    let svg = InteractiveExperiment.plots(runs, InteractivePlan()).svg
    for name in ["in kernel", "CUBIC", "BBR", "10 kB"] { #expect(svg.contains(name), "\(name)") }
    #expect(!InteractiveExperiment.plots([], InteractivePlan()).svg.contains("nan"))
    let link = InteractivePlan().link(round: 0)
    #expect(link.backward.bitsPerSecond == 50e6 && link.forward.bitsPerSecond == nil)
    #expect(InteractivePlan().onOff("cubic", round: 0).sender == .server)
    #expect(InteractivePlan().requests("cubic", round: 0).asking == .client)
  }
}
