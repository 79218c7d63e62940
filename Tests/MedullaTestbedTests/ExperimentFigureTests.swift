import Foundation
import Testing

@testable import MedullaTestbed

@Suite("Figures of single experiments")
struct ExperimentFigureTests {
  private func models() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return root.appendingPathComponent("models").path
  }

  @Test("an output scale of 1024 loses less than one of 1, and less than the paper's 2%")
  func quantizationLoss() throws {
    var plan = QuantizationLossPlan.quick
    (plan.networks, plan.outputBits, plan.schemes) = (["shipped", "ffnn"], [0, 10], ["w8a16"])
    (plan.samples, plan.repeats) = (200, 1)
    let context = ExperimentContext(models: try models())
    let result = try QuantizationLossExperiment.perform(plan, context: context) { _, _, _, _ in }
    #expect(result.runs.count == plan.runCount && result.runs.count == 4)
    let figures = result.verdict.figures
    let coarse = try #require(figures["mean loss without output scale (C = 1)"])
    let fine = try #require(figures["mean loss at C = 1024"])
    #expect(fine < coarse / 5 && fine < 0.02 && fine > 0)
    #expect(QuantizationLossExperiment.plots(result.runs, plan).svg.contains("shipped"))
  }

  @Test("normalized goodput divides by the base of the same round and number of flows")
  func normalizing() throws {
    let runs = [
      measures("bbr", flows: 2, round: 0, 100), measures("medulla", flows: 2, round: 0, 90),
      measures("bbr", flows: 2, round: 1, 200), measures("medulla", flows: 2, round: 1, 200),
      measures("medulla", flows: 4, round: 0, 50),
    ]
    let values = runs.normalized(to: "bbr").filter { $0.scheme == .medulla }
    #expect(values.first { $0.flows == 2 }?.ratios == [0.9, 1.0])
    #expect(values.first { $0.flows == 4 }?.ratios.isEmpty == true)
    #expect(runs.leastShare("medulla").map { abs($0 - 0.95) < 1e-9 } == true)
    #expect(runs.leastShare("cubic") == nil)
  }

  @Test("the congested path's verdict asks for the paper's ratio where congestion comes and goes")
  func congestedPath() {
    func run(_ scheme: String, _ setting: GoodputPlan.Setting, _ goodput: Double, off distance: Double)
      -> GoodputRun
    {
      GoodputRun(
        setting: setting, freeMbps: 580, distanceMbps: distance,
        measures: measures(scheme, flows: 1, round: 0, goodput))
    }
    var own = run("medulla", .changing, 800, off: 20)
    let slow = run("user-100ms", .changing, 500, off: 40)
    let constant = [run("medulla", .constant, 400, off: 9), run("user-100ms", .constant, 800, off: 1)]
    let (rows, faults) = GoodputExperiment.judge([own, slow] + constant, GoodputPlan())
    #expect(faults.isEmpty)
    let bounded = rows.filter { $0.bound != nil }
    #expect(bounded.map(\.value) == [1.6, 0.5] && bounded.allSatisfy { $0.holds == true })
    #expect(rows.contains { $0.name == "constant, in kernel over 100 ms: goodput" && $0.value == 0.5 })
    own.measures.fellBehind = true
    #expect(GoodputExperiment.judge([own, slow], GoodputPlan()).faults.count == 1)
    #expect(
      GoodputExperiment.judge([own], GoodputPlan()).rows.contains { $0.bound != nil && $0.value == nil })
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

  private func measures(_ name: String, flows: Int, round: Int, _ goodput: Double) -> FlowMeasures {
    let zero = "{\"mean\":0,\"p50\":0,\"p95\":0,\"p99\":0}"
    let json = """
      {"scheme":"\(name)","round":\(round),"flows":\(flows),"seconds":2,"warmUpSeconds":1,
      "goodputMbps":\(goodput),"flowMbps":[],"deviationMbps":1,"jain":1,"rttMs":\(zero),"queueMs":\(zero),
      "retransmits":0,"dropped":0,"lost":0,"processors":{"busy":0,"softirq":0,"processes":{},
      "busyByProcessor":[],"softirqByProcessor":[]},"fellBehind":false,"deviceDrops":0,"attempts":1}
      """
    do {
      return try JSONDecoder().decode(FlowMeasures.self, from: Data(json.utf8))
    } catch {
      preconditionFailure("the test's own text is wrong: \(error)")
    }
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
    let plan = CompletionTimesExperiment.Plan()
    let sizes = try plan.distribution()
    let bitsPerSecond = sizes.mean * 8 / plan.interval(0.5, sizes)
    #expect(abs(bitsPerSecond / 1e6 - 0.5 * 200 * 1448 / 1500) < 1e-6)
    for bytes in [1, 9_999, 10_000, 100_000, 100_001, 1 << 30] {
      #expect(CompletionTimesExperiment.SizeClass.allCases.filter { $0.contains(bytes) }.count == 1)
    }
  }
}
