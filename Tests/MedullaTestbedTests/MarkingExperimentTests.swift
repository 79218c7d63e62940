import Foundation
import Testing

@testable import MedullaTestbed

@Suite("The experiment on a link that marks")
struct MarkingExperimentTests {
  private func run(
    _ name: String, flows: Int = 1, ecn: Bool = true, utilization: Double = 0.97, queueMs: Double = 2.64
  ) -> MarkingExperiment.Run {
    let zero = "{\"mean\":0,\"p50\":0,\"p95\":0,\"p99\":0}"
    let json = """
      {"scheme":"\(name)","round":0,"flows":\(flows),"seconds":2,"warmUpSeconds":1,
      "goodputMbps":1,"flowMbps":[],"deviationMbps":1,"jain":1,"rttMs":\(zero),"queueMs":\(zero),
      "retransmits":0,"dropped":0,"lost":0,"processors":{"busy":0,"softirq":0,"processes":{},
      "busyByProcessor":[],"softirqByProcessor":[]},"fellBehind":false,"deviceDrops":0,"attempts":1}
      """
    do {
      var measures = try JSONDecoder().decode(FlowMeasures.self, from: Data(json.utf8))
      measures.queueMs.mean = queueMs
      return MarkingExperiment.Run(
        asksForEcn: ecn, measures: measures, utilization: utilization, markedShare: 0.1, droppedInAll: 0,
        queueBytesMaximum: 0, alpha: name == "dctcp" ? 0.2 : nil,
        flowsWithoutEcn: name == "dctcp" ? 0 : nil)
    } catch {
      preconditionFailure("the test's own text is wrong: \(error)")
    }
  }

  /// Good runs of the whole plan; the threshold is 2.64 ms.
  private func good() -> [MarkingExperiment.Run] {
    MarkingPlan().cells.map { cell in
      run(
        cell.scheme.name, flows: cell.flows, ecn: cell.asksForECN,
        queueMs: cell.scheme.kind == .inKernel ? 1.2 : 2.64)
    }
  }

  private func misses(_ runs: [MarkingExperiment.Run]) -> [String] {
    let (rows, faults) = MarkingExperiment.judge(runs, MarkingPlan())
    return TargetVerdict(rows, faults: faults, complete: true).misses
  }

  @Test("good runs meet every target, and only DCTCP and the network have any")
  func met() {
    #expect(misses(good()).isEmpty)
    let bounded = MarkingExperiment.judge(good(), MarkingPlan()).rows.filter { $0.bound != nil }
    // Utilization, queue and drops for 1, 2 and 4 flows, Jain for 2 and 4; of both.
    #expect(bounded.count == 22)
    #expect(bounded.allSatisfy { $0.name.hasPrefix("DCTCP, ") || $0.name.hasPrefix("in kernel, ") })
  }

  @Test(
    "one figure beyond its target is a miss by its name",
    arguments: [
      ("dctcp", "idle", "DCTCP, 4 flows: utilization: 0.940, target ≥ 0.950"),
      ("dctcp", "long", "DCTCP, 4 flows: factor between mean queue and K: 1.553, target ≤ 1.500"),
      ("dctcp", "short", "DCTCP, 4 flows: factor between mean queue and K: 1.760, target ≤ 1.500"),
      ("dctcp", "empty", "DCTCP, 4 flows: factor between mean queue and K: inf, target ≤ 1.500"),
      ("dctcp", "drop", "DCTCP, 4 flows: segments dropped: 1.0, target ≤ 0.0"),
      ("dctcp", "unfair", "DCTCP, 4 flows: Jain: 0.890, target ≥ 0.900"),
      ("dctcp", "reno", "DCTCP, 4 flows: 1 went over to Reno"),
      ("dctcp", "late", "DCTCP, 4 flows: the emulator fell behind"),
      ("medulla", "idle", "in kernel, 4 flows: utilization: 0.890, target ≥ 0.900"),
      ("medulla", "long", "in kernel, 4 flows: mean queue over K: 1.553, target ≤ 1.000"),
      ("medulla", "drop", "in kernel, 4 flows: segments dropped: 1.0, target ≤ 0.0"),
      ("medulla", "unfair", "in kernel, 4 flows: Jain: 0.890, target ≥ 0.900"),
    ])
  func missed(name: String, what: String, miss: String) throws {
    var runs = good()
    let at = try #require(
      runs.firstIndex { $0.measures.scheme.name == name && $0.measures.flows == 4 && $0.asksForEcn })
    switch what {
    case "idle": runs[at].utilization = name == "dctcp" ? 0.94 : 0.89
    case "long": runs[at].measures.queueMs.mean = 4.1
    case "short": runs[at].measures.queueMs.mean = 1.5
    case "empty": runs[at].measures.queueMs.mean = 0
    case "drop": runs[at].droppedInAll = 1
    case "unfair": runs[at].measures.jain = 0.89
    case "reno": runs[at].flowsWithoutEcn = 1
    default: runs[at].measures.fellBehind = true
    }
    #expect(misses(runs) == [miss])
  }

  @Test("runs without ECN are compared with, and meet no target in their place")
  func withoutECN() {
    var runs = good()
    for index in runs.indices where !runs[index].asksForEcn {
      (runs[index].utilization, runs[index].measures.queueMs.mean) = (0.485, 4.8)
    }
    let (rows, _) = MarkingExperiment.judge(runs, MarkingPlan())
    func value(_ name: String) -> Double? { rows.first { $0.name == name }?.value }
    #expect(value("in kernel, 2 flows: goodput over that without ECN") == 2)
    #expect(value("in kernel, 2 flows: queue over that without ECN") == 0.25)
    #expect(misses(runs).isEmpty)
    let alone = runs.filter { !($0.measures.scheme.kind == .inKernel && $0.asksForEcn) }
    #expect(misses(alone).contains { $0.hasPrefix("in kernel, 1 flow: utilization: not run") })
    #expect(Set(rows.map(\.name)).count == rows.count)
  }

  @Test("the threshold follows DCTCP's guideline, and the model's queue lies below K and N packets")
  func model() {
    let plan = MarkingPlan()
    // 200 Mbit/s × 10 ms are 250 kB; a seventh of them 35.7.
    #expect(abs(plan.leastThresholdBytes - 250_000 / 7) < 1e-6)
    // And a millisecond of 1.2 times the rate is 30.
    #expect(Double(plan.markAboveBytes) >= plan.leastThresholdBytes + 30_000)
    #expect(abs(plan.thresholdMs - 2.64) < 1e-9)
    // For one flow: 44 + 1 − ¼ √(2 · (166.7 + 44)) packets of 0.06 ms.
    #expect(
      abs(plan.modelQueueMs(flows: 1) - 0.06 * (45 - 0.25 * (2 * (500.0 / 3 + 44)).squareRoot())) < 1e-9)
    for flows in [1, 2, 4] { #expect((0.7...1.2).contains(plan.modelQueueMs(flows: flows) / 2.64)) }
  }

  @Test("a plan that cannot be run is refused")
  func plans() {
    let changes: [(inout MarkingPlan) -> Void] = [
      { $0.flows = [] }, { $0.flows = [0] }, { $0.markAboveBytes = 0 },
      { $0.markAboveBytes = $0.bufferBytes },
      { $0.withoutEcn = SteeringScheme.list("dctcp") }, { $0.warmUp = $0.seconds }, { $0.rateMbps = .nan },
      {
        ($0.schemes, $0.withoutEcn) = ([], [])
      },
    ]
    for (index, change) in changes.enumerated() {
      var plan = MarkingPlan()
      change(&plan)
      #expect(throws: TestbedError.self, "change \(index)") { try plan.validate() }
    }
    var plan = MarkingPlan()
    plan.markAboveBytes = 90_000
    #expect(!plan.isComplete && plan.runCount == 18 * 3)
  }

  @Test("its plots show each party once for each number of flows")
  func plots() {
    let svg = MarkingExperiment.plots(good(), MarkingPlan()).svg
    // Four plots, six parties, three numbers of flows.
    #expect(svg.components(separatedBy: "<rect class=\"d").count == 4 * 6 * 3 + 1)
    #expect(svg.contains("CUBIC without ECN"))
  }
}

extension RealLinks {
  @Suite(
    "Marks in this kernel", .serialized,
    .enabled(if: BaselineHost.canAttach, Comment(rawValue: BaselineHost.needs)))
  struct KernelMarkingTests {
    @Test("DCTCP, the network and CUBIC are marked where they ask for ECN, and nobody where nobody asks")
    func marks() throws {
      var plan = MarkingPlan()
      (plan.rateMbps, plan.flows, plan.seconds, plan.warmUp, plan.repeats) = (50, [1], 3, 1, 1)
      plan.markAboveBytes = 15_000
      (plan.schemes, plan.withoutEcn) = (
        SteeringScheme.list("dctcp", "medulla", "cubic"), SteeringScheme.list("cubic")
      )
      let context = ExperimentContext(models: BaselineHost.models, executable: TestHost.medulla)
      let result = try MarkingExperiment.perform(plan, context: context) { _, _, _, _ in }
      #expect(result.runs.count == 4 && !result.verdict.complete)
      for run in result.runs {
        let name = run.measures.scheme.name
        #expect(run.measures.fellBehind || run.utilization > 0.2, "\(run.line)")
        if name != "medulla" { #expect(run.markedShare > 0 || !run.asksForEcn, "\(run.line)") }
        if !run.asksForEcn { #expect(run.markedShare == 0, "\(run.line)") }
        if name == "dctcp" {
          #expect(run.flowsWithoutEcn == 0)
          #expect((0.001...1).contains(run.alpha ?? 0), "\(run.line)")
        } else {
          #expect(run.alpha == nil)
        }
      }
      // What answers marks holds its queue under what fills the buffer.
      let (marked, unmarked) = (result.runs[0].measures, result.runs[3].measures)
      #expect(marked.queueMs.mean < unmarked.queueMs.mean || marked.fellBehind || unmarked.fellBehind)
      #expect(!CongestionControls.available().contains { $0.hasPrefix("mk") && $0.hasSuffix("\(getpid())") })
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }
  }
}
