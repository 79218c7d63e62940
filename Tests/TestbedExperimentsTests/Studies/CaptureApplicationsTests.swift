import Foundation
import TestbedCaptures
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

@Suite("The study of categories of real traffic")
struct CaptureApplicationsTests {
  private let study = CaptureApplications.study

  private func good() -> [StudyRun] {
    StudyFixture.runs(study, study.plan) { cell, _, round in StudyCases.recognized(cell, round, lead: 0.01) }
  }

  private func misses(_ runs: [StudyRun]) -> [String] {
    study.judge(runs, study.plan, complete: true).misses
  }

  @Test(
    "one figure beyond its bound is a miss by its name",
    arguments: [
      ("behaviour", "categories", 7, "categories told apart: 7"),
      ("behaviour", "above_tree", -0.0501, "network above the tree, lower end of the interval: -0.050"),
      ("behaviour", "quantization_change", 0.0101, "quantization's change of macro-F1: 0.0101"),
      ("shuffled", "macro_f1", 0.19, "shuffled labels, macro-F1 over chance: 2.090"),
    ])
  func missed(variant: String, key: String, value: Double, miss: String) {
    var runs = good()
    for index in runs.indices where runs[index].cell.text("variant") == variant {
      runs[index].reading[Metric(key, "")] = value
    }
    let found = misses(runs)
    #expect(found.count == 1 && found.allSatisfy { $0.hasPrefix(miss) }, "\(found)")
  }

  @Test("one flow that the kernel answers otherwise is a miss, and so is a kernel that was not asked")
  func kernel() throws {
    var runs = good()
    let first = try #require(runs.firstIndex { $0[CaptureApplications.asked] != nil })
    runs[first].reading[CaptureApplications.different] = 1
    #expect(misses(runs) == ["of them not the interpreter's bits: 1, target ≤ 0"])
    runs[first].reading[CaptureApplications.different] = nil
    runs[first].reading[CaptureApplications.asked] = nil
    #expect(misses(runs).count == 2)
  }

  @Test("the lower end counts, not the mean: splits that differ much do not pass")
  func interval() {
    var runs = good()
    for index in runs.indices where runs[index].cell.text("variant") == "behaviour" {
      runs[index].reading[CaptureApplications.aboveTree] = runs[index].round % 2 == 0 ? 0.2 : -0.2
    }
    #expect(misses(runs).count == 1)
  }

  @Test("what could not be measured leaves no verdict, and is told")
  func unmeasured() throws {
    let plan = study.plan
    let part = Study(
      "part", "Part.", discussion: "", method: "", keys: study.keys, quick: study.quick, cells: study.cells,
      course: .trials(.asListed) { _, _ in
        { cell, round in
          var reading = StudyCases.recognized(cell, round, lead: 0.01)
          reading.unmeasured = ["no tree"]
          return reading
        }
      }, metrics: study.metrics, figures: study.figures, bounds: study.bounds, plots: [])
    let result = try part.perform(plan, context: StudyContext(models: "models"))
    #expect(!result.verdict.complete && !result.verdict.met && !result.verdict.failed)
    #expect(result.runs.allSatisfy { $0.line([]).contains("no tree") })
  }

  @Test("a plan with one of two directories, or with captures that are not there, is refused")
  func refused() throws {
    for setting in ["train=/tmp", "test=/tmp", "variants=nothing", "packets=0", "test_share=1"] {
      #expect(throws: TestbedError.self, "\(setting)") {
        try study.validate(study.replacing([setting], in: study.plan))
      }
    }
    let plan = try study.replacing(["captures=/nowhere/captures"], in: study.plan)
    let error = #expect(throws: TestbedError.self) {
      try study.perform(plan, context: StudyContext(models: "models"))
    }
    #expect(error?.code == .fileFailed)
  }

  private func capture(_ number: Int, _ category: String, decided: Bool = true) -> LabelledCapture {
    let line =
      "\t1\tTCP 10.0.0.1:\(number) <-> 10.0.0.2:443 [cat: \(category)/5][1 pkts/9 bytes <-> 1 pkts/9 bytes]"
    let key = ReferenceFlow(line)?.key
    let flow = key.map {
      LabelledFlow(key: $0, category: category, began: 0, words: decided ? [Int64(number)] : nil)
    }
    return LabelledCapture(name: "\(number)", flows: flow.map { [$0] } ?? [])
  }

  @Test("categories of few captures are left out; no capture, and no flow, is on both sides")
  func parts() throws {
    let many = (0..<40).map { capture($0, $0 % 2 == 0 ? "Web" : "Game") }
    let few = (50..<55).map { capture($0, "Mail") } + (60..<90).map { capture($0, "Chat", decided: false) }
    let twins = (0..<3).map { capture($0 * 2, "Web") }
    let flows = try ApplicationFlows(many + few + twins, least: 10, testShare: 0.3)
    #expect(flows.categories == ["Game", "Web"])
    for seed in 1...5 {
      let parts = flows.parts(seed: UInt64(seed))
      let (own, other) = (flows.sample(of: parts.training), flows.sample(of: parts.test))
      #expect(own.labels.count + other.labels.count == 43 && Set(other.labels) == [0, 1])
      #expect(Set(own.words).isDisjoint(with: other.words), "seed \(seed)")
    }
    #expect(throws: TestbedError.self) { try ApplicationFlows(few, least: 10, testShare: 0.3) }
  }

  @Test("of given captures, those that the test shows too are not learned from")
  func given() throws {
    let train = (0..<30).map { capture($0, $0 % 2 == 0 ? "Web" : "Game") }
    let test = [capture(4, "Web"), capture(100, "Web"), capture(101, "Game")]
    let parts = try ApplicationFlows(train, test: test, least: 10, testShare: 0.3).parts(seed: 1)
    #expect(parts.test == [30, 31, 32] && parts.training == (0..<30).filter { $0 != 4 })
  }
}
