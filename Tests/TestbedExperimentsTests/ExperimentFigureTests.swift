import Foundation
import MedullaBase
import Testing

@testable import TestbedExperiments
@testable import TestbedLink
@testable import TestbedReport
@testable import TestbedWorkload

@Suite("Figures of single experiments")
struct ExperimentFigureTests {
  private func models() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return root.appendingPathComponent("models").path
  }

  @Test("an output scale of 1024 loses less than one of 1, and less than the paper's 2%")
  func quantizationLoss() throws {
    let study = QuantizationLoss.fig7
    let plan = try study.replacing(
      ["networks=shipped,ffnn", "output_bits=0,10", "schemes=w8a16", "samples=200", "repeats=1"],
      in: study.quickPlan)
    let result = try study.perform(plan, context: StudyContext(models: try models()))
    #expect(result.runs.count == study.runCount(plan) && result.runs.count == 4)
    func figure(_ name: String) -> Double? { result.summary.first { $0.name == name }?.value }
    let coarse = try #require(figure("mean loss without output scale (C = 1)"))
    let fine = try #require(figure("mean loss at C = 1024"))
    #expect(fine < coarse / 5 && fine < 0.02 && fine > 0)
    #expect(study.plotSheet(result.runs, plan).svg.contains("shipped"))
  }

  @Test("normalized goodput divides by the base of the same round and number of flows")
  func normalizing() throws {
    func run(_ name: String, flows: Int, round: Int, _ goodput: Double) throws -> StudyRun {
      let cell = StudyCell().with(Concurrency.flows, flows)
        .with(Concurrency.schemes, try #require(SteeringScheme(name)))
      return StudyRun(cell, round: round, Reading([FlowMetrics.goodput: goodput]))
    }
    let runs = try [
      run("bbr", flows: 2, round: 0, 100), run("medulla", flows: 2, round: 0, 90),
      run("bbr", flows: 2, round: 1, 200), run("medulla", flows: 2, round: 1, 200),
      run("medulla", flows: 4, round: 0, 50),
    ]
    let seen = StudyRuns(
      runs: runs, plan: Concurrency.fig13.plan, cells: Concurrency.cells(Concurrency.fig13.plan))
    #expect(abs((Concurrency.share(seen, "medulla", flows: 2)?.value ?? 0) - 0.95) < 1e-9)
    #expect(Concurrency.share(seen, "medulla", flows: 4) == nil)
    let least = Concurrency.leastShare("in kernel", "medulla").value(seen)
    #expect(abs((least?.value ?? 0) - 0.95) < 1e-9)
    #expect(Concurrency.leastShare("CUBIC", "cubic").value(seen) == nil)
  }

  @Test("fig11 judges the paper's constant background by the paper's ratio; what comes and goes is our study")
  func congestedPath() throws {
    let (paper, ours) = (CongestedPath.fig11, CongestedPath.changing)
    #expect(CongestedPath.trial(paper.plan, round: 0).background == .init(bitsPerSecond: 1e8))
    #expect(CongestedPath.trial(ours.plan, round: 0).background == .init(bitsPerSecond: 8e8, on: 1, off: 1))
    #expect(paper.bounds.first?.comparison == .atLeast(1.44) && paper.bounds.first?.source == .paper("§5.1"))
    #expect(ours.bounds.allSatisfy { $0.source == .ours })
    // What the background takes of a round trip's data would be missing in both.
    #expect(abs(CongestedPath.freeMbps(paper.plan, duty: 1) - 900 * 1448 / 1500) < 1e-9)
    #expect(!paper.isComplete(try paper.replacing(["background_mbps=800"], in: paper.plan)))
  }

  @Test(
    "a background's duty is the share of a time in which it sends",
    arguments: [(0.0, 1.0, 1.0), (1, 2, 0), (0.5, 1.5, 0.5), (0, 4, 0.5), (3.1, 3.9, 0), (2.5, 2.6, 1)])
  func duty(from start: Double, to end: Double, expected: Double) {
    let pattern = BackgroundTraffic.Pattern(bitsPerSecond: 1e6, on: 1, off: 1)
    #expect(abs(pattern.duty(from: start, to: end) - expected) < 1e-9)
    #expect(BackgroundTraffic.Pattern(bitsPerSecond: 1e6).duty(from: start, to: end) == 1)
    #expect(BackgroundTraffic.Pattern.none.duty(from: start, to: end) == 0)
  }

  @Test("drawn traces have the rates that they promise, and repeat by their seed")
  func drawnTraces() throws {
    let steps = try DrawnTrace.steps.trace(seconds: 20, seed: 1)
    let payload = LinkCell.payloadBytes / LinkCell.packetBytes
    #expect(abs(steps.capacityMbps(from: 0, to: 5) - 24 * payload) < 0.1)
    #expect(abs(steps.capacityMbps(from: 5, to: 10) - 6 * payload) < 0.1)
    #expect(abs(steps.capacityMbps(from: 0, to: 20) - 15 * payload) < 0.1)
    let walk = try DrawnTrace.walk.trace(seconds: 5, seed: 3)
    #expect(try walk == DrawnTrace.walk.trace(seconds: 5, seed: 3))
    #expect(try walk != DrawnTrace.walk.trace(seconds: 5, seed: 4))
    #expect(walk.capacityMbps(from: 3, to: 3) == 0)
  }

  @Test("each processor's time is read apart, and no other line is taken for one")
  func processorTimes() {
    let text = "cpu  30 0 0 50 0 0 20 0\ncpu0 10 0 0 30 0 0 10 0\ncpu1 20 0 0 20 0 0 10 0\nintr 5\n"
    let each = ProcessorTimes.each(text)
    #expect(each.map(\.softirq) == [0.1, 0.1] && each.map(\.busy) == [0.2, 0.3])
  }

  @Test("bars stand beside each other, error bars end at their values, and a page exists as Markdown too")
  func reports() {
    let bars = ["a", "b"].enumerated().map { index, name in
      Plot.Series(name, color: index, mark: .bars, points: [Plot.Point(0, 2, spread: 1), Plot.Point(1, 4)])
    }
    let sheet = PlotSheet([
      Plot("bars", x: PlotAxis("", categories: ["x", "y"]), y: PlotAxis("v"), series: bars)
    ])
    #expect(sheet.svg.components(separatedBy: "<rect class=\"d").count == 5)
    #expect(sheet.svg.components(separatedBy: "class=\"whisker\"").count == 3)
    let page = HTMLReport(
      "Title", subtitle: "sub",
      blocks: [
        .heading("One"), .table(TextTable(columns: ["a|b", "c"], rows: [["1", "2_3"]])),
        .drawing(svg: sheet.svg, file: "x.svg", title: "plot"), .notice("watch *out*"),
      ])
    #expect(page.html.contains("<svg") && page.markdown.contains("![plot](x.svg)"))
    #expect(page.markdown.contains("| a\\|b | c |\n| --- | ---: |\n| 1 | 2\\_3 |"))
    #expect(page.markdown.contains("> **watch \\*out\\***"))
    #expect(Plot.distribution([3, 1, 2, .nan]).map(\.x) == [1, 1, 2, 3, 3])
  }
}

@Suite("Workloads' own parts")
struct WorkloadPartTests {
  @Test("wrk's report is read in its units, with its errors")
  func wrk() throws {
    let text = """
      Running 5s test @ http://10.94.0.2:8080/page
        1 threads and 20 connections
        Latency Distribution
           50%  179.60ms
           75%  190.00ms
           90%    0.20s
           99%    1.50s
        551 requests in 5.00s, 52.70MB read
        Socket errors: connect 0, read 2, write 0, timeout 3
      Requests/sec:    110.20
      Transfer/sec:     10.00MB
      """
    let load = try WebClients.Load(wrk: text)
    #expect(load.requestsPerSecond == 110.2 && load.p50Ms == 179.6 && load.p99Ms == 1500 && load.errors == 5)
    #expect(abs(load.transferredMbps - 83.886) < 0.001)
    for broken in ["", "Requests/sec: x", text.replacing("MB", with: "XB").replacing("99%", with: "98%")] {
      #expect(throws: TestbedError.self) { try WebClients.Load(wrk: broken) }
    }
  }

  @Test("the load sets the mean time between flows, and classes part all sizes")
  func load() throws {
    let plan = CompletionTimes.study.plan
    let sizes = try CompletionTimes.distribution(plan)
    let bitsPerSecond = sizes.mean * 8 / CompletionTimes.interval(plan, 0.5, sizes)
    #expect(abs(bitsPerSecond / 1e6 - 0.5 * 200 * 1448 / 1500) < 1e-6)
    let classes = [1, 9_999, 10_000, 100_000, 100_001, 1 << 30].map(SizeClass.of)
    #expect(classes == [.short, .short, .middle, .middle, .long, .long])
  }
}
