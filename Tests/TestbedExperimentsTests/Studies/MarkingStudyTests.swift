import Foundation
import MedullaDatapath
import TestbedCases
import Testing

@testable import TestbedExperiments
@testable import TestbedLink
@testable import TestbedWorkload

@Suite("The studies of a link that marks, and of small answers")
struct MarkingStudyTests {
  private let study = Marking.atGuideline

  private func good() -> [StudyRun] {
    StudyFixture.runs(study, study.plan) { cell, _, _ in Reading(keyed: StudyCases.marked(cell)) }
  }

  private func misses(_ runs: [StudyRun]) -> [String] {
    study.judge(runs, study.plan, complete: true).misses
  }

  @Test("only DCTCP and the network that ask for ECN have bounds")
  func bounded() {
    let rows = study.judge(good(), study.plan, complete: true).rows.filter { $0.bound != nil }
    // Utilization, queue and drops for 1, 2 and 4 flows, Jain for 2 and 4; of both.
    #expect(rows.count == 22)
    #expect(rows.allSatisfy { $0.name.hasPrefix("DCTCP, ") || $0.name.hasPrefix("in kernel, ") })
    #expect(rows.allSatisfy { !$0.name.contains("without ECN") })
  }

  @Test(
    "one figure beyond its bound is a miss by its name",
    arguments: [
      (
        "dctcp", "utilization", 0.94,
        "DCTCP, 4 flows: utilization: 0.940 ± 0.000, target ≥ 0.950 by the interval"
      ),
      (
        "dctcp", "queue_factor", 1.553,
        "DCTCP, 4 flows: factor between mean queue and K: 1.553 ± 0.000, target ≤ 1.500 by the interval"
      ),
      ("dctcp", "dropped_in_all", 1, "DCTCP, 4 flows: segments dropped: 1.0 ± 0.0, target ≤ 0.0"),
      ("dctcp", "jain", 0.89, "DCTCP, 4 flows: Jain's index: 0.890 ± 0.000, target ≥ 0.900 by the interval"),
      (
        "medulla", "utilization", 0.89,
        "in kernel, 4 flows: utilization: 0.890 ± 0.000, target ≥ 0.900 by the interval"
      ),
      (
        "medulla", "queue_over_k", 1.553,
        "in kernel, 4 flows: mean queue over K: 1.553 ± 0.000, target ≤ 1.000 by the interval"
      ),
      ("medulla", "dropped_in_all", 1, "in kernel, 4 flows: segments dropped: 1.0 ± 0.0, target ≤ 0.0"),
      (
        "medulla", "jain", 0.89,
        "in kernel, 4 flows: Jain's index: 0.890 ± 0.000, target ≥ 0.900 by the interval"
      ),
    ])
  func missed(name: String, key: String, value: Double, miss: String) throws {
    var runs = good()
    func isMeant(_ run: StudyRun) -> Bool {
      run.cell.fits([Marking.schemes(name), Marking.ecn(true), Marking.flows(4)])
    }
    for index in runs.indices where isMeant(runs[index]) { runs[index].reading[Metric(key, "")] = value }
    #expect(misses(runs) == [miss])
    runs = good()
    let at = try #require(runs.firstIndex(where: isMeant))
    runs[at].reading.faults = ["1 went over to Reno"]
    #expect(misses(runs) == ["\(runs[at].cell.title): 1 went over to Reno"])
  }

  @Test("runs without ECN are compared with, and meet no bound in their place")
  func withoutECN() {
    var runs = good()
    for index in runs.indices where !runs[index].cell[Marking.ecn] {
      runs[index].reading[Marking.utilization] = 0.485
      runs[index].reading[Marking.queueOverK] = 2.4
    }
    let rows = study.judge(runs, study.plan, complete: true).rows
    func value(_ name: String) -> Double? { rows.first { $0.name == name }?.value }
    #expect(value("in kernel, 2 flows: goodput over that without ECN") == 2)
    #expect(value("in kernel, 2 flows: queue over that without ECN") == 0.25)
    #expect(misses(runs).isEmpty)
    let alone = runs.filter { !$0.cell.fits([Marking.schemes("medulla"), Marking.ecn(true)]) }
    #expect(misses(alone).contains { $0.hasPrefix("in kernel, 1 flow: utilization: not run") })
  }

  @Test("K is first set at DCTCP's guideline, the later one has room for a burst, the model lies near K")
  func model() {
    let (first, later) = (Marking.atGuideline.plan, Marking.withBurst.plan)
    #expect(first[Marking.threshold] == 45_000 && later[Marking.threshold] == 66_000)
    // 200 Mbit/s × 10 ms are 250 kB; a seventh of them 35.7; a millisecond of 1.2 times the rate is 30.
    #expect(abs(Marking.leastThresholdBytes(first) - 250_000 / 7) < 1e-6)
    #expect(Double(first[Marking.threshold]) > Marking.leastThresholdBytes(first))
    #expect(Double(later[Marking.threshold]) >= Marking.leastThresholdBytes(later) + 30_000)
    #expect(abs(Marking.thresholdMs(first) - 1.8) < 1e-9 && abs(Marking.thresholdMs(later) - 2.64) < 1e-9)
    // For one flow: 30 + 1 − ¼ √(2 · (166.7 + 30)) packets.
    let one = (31 - 0.25 * (2 * (500.0 / 3 + 30)).squareRoot()) / 30
    #expect(abs(Marking.modelQueueOverK(first, flows: 1) - one) < 1e-9)
    for flows in [1, 2, 4] { #expect((0.7...1.2).contains(Marking.modelQueueOverK(later, flows: flows))) }
  }

  @Test("a plan that cannot be run is refused")
  func plans() throws {
    for setting in [
      "flows=[]", "flows=0", "mark_above_bytes=0", "mark_above_bytes=1000000", "without_ecn=dctcp",
      "warm_up=14",
    ] {
      #expect(throws: TestbedError.self, "\(setting)") {
        try study.validate(study.replacing([setting], in: study.plan))
      }
    }
    let other = try study.replacing(["mark_above_bytes=90000"], in: study.plan)
    #expect(!study.isComplete(other) && study.runCount(other) == 21 * 3)
  }

  @Test("plots show each party once for each number of flows")
  func plots() {
    let svg = study.plotSheet(good(), study.plan).svg
    // Four plots, seven parties, three numbers of flows.
    #expect(svg.components(separatedBy: "<rect class=\"d").count == 4 * 7 * 3 + 1)
    #expect(svg.contains("CUBIC, without ECN"))
  }

  @Test("small answers: every end is counted, and the bottleneck is on the data's way")
  func interactive() {
    var (requests, onOff) = (FlowCounts(), FlowCounts())
    (requests.begun, requests.completed) = (501, 500)
    (onOff.begun, onOff.completed, onOff.broken, onOff.skipped) = (10, 5, 2, 4)
    #expect(Interactive.lost(requests, onOff) == 1 + 2 + 3 + 4)
    let plan = Interactive.study.plan
    let link = Interactive.link(plan, round: 0)
    #expect(link.backward.bitsPerSecond == 50e6 && link.forward.bitsPerSecond == nil)
    #expect(Interactive.onOff(plan, "cubic", round: 0).sender == .server)
    #expect(Interactive.requests(plan, "cubic", round: 0).asking == .client)
  }
}

extension RealLinks {
  @Suite(
    "Marks in this kernel", .serialized,
    .enabled(if: BaselineHost.canAttach, Comment(rawValue: BaselineHost.needs)))
  struct KernelMarkingTests {
    @Test("DCTCP, the network and CUBIC are marked where they ask for ECN, and nobody where nobody asks")
    func marks() throws {
      let study = Marking.atGuideline
      let plan = try study.replacing(
        [
          "rate_mbps=50", "flows=1", "seconds=3", "warm_up=1", "repeats=1", "mark_above_bytes=15000",
          "schemes=dctcp,medulla,cubic", "without_ecn=cubic",
        ], in: study.plan)
      let context = StudyContext(models: BaselineHost.models, executable: TestHost.lab)
      let result = try study.perform(plan, context: context)
      #expect(result.runs.count == 4 && !result.verdict.complete)
      for run in result.runs {
        let (name, asks) = (run.cell[Marking.schemes].name, run.cell[Marking.ecn])
        let marked = run[Marking.marked] ?? 0
        #expect(!run.faults.isEmpty || (run[Marking.utilization] ?? 0) > 0.2, "\(run.cell.title)")
        if name != "medulla" { #expect(marked > 0 || !asks, "\(run.cell.title)") }
        if !asks { #expect(marked == 0, "\(run.cell.title)") }
        if name == "dctcp" {
          #expect(!run.faults.contains { $0.contains("Reno") })
          #expect((0.001...1).contains(run[Marking.alpha] ?? 0), "\(run.cell.title)")
        } else {
          #expect(run[Marking.alpha] == nil)
        }
      }
      // What answers marks holds its queue under what fills the buffer.
      func queue(_ name: String, _ asks: Bool) -> Double {
        let run = result.runs.first { $0.cell.fits([Marking.schemes(name), Marking.ecn(asks)]) }
        return run?[FlowMetrics.queue.mean] ?? -1
      }
      #expect(queue("dctcp", true) < queue("cubic", false) || result.runs.contains { !$0.faults.isEmpty })
      #expect(!CongestionControls.available().contains { $0.hasPrefix("mk") && $0.hasSuffix("\(getpid())") })
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }
  }
}
