import Foundation
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

@Suite("The study of path selection in a fabric of namespaces")
struct FabricPathsTests {
  private let study = FabricPaths.study

  /// A run in which the network does its work, with a little more or less from seed to seed; a useless one
  /// places flows no better than chance does.
  static func steered(_ cell: StudyCell, _ round: Int, isUseless: Bool = false) -> Reading {
    if cell.text("condition") == "silence" {
      return Reading(keyed: ["beyond_ms": isUseless ? 40 : 9, "completed": 200, "unfinished": 0])
    }
    let noise = round % 2 == 0 ? 1.01 : 0.99
    let isUneven = cell.text("condition") == "uneven"
    var long: Double = isUneven ? 800 : 400
    let factors = ["kernel": 0.7, "kernel-adapting": 0.6, "least-rtt": 0.8]
    if isUneven, !isUseless { long *= factors[cell.text()] ?? 1 }
    var values = [
      "short_ms_mean": 20.0, "middle_ms_mean": isUneven && !isUseless ? long / 20 : 40,
      "long_ms_mean": long * noise, "completed": 500, "unfinished": 0,
    ]
    if cell.text() == "kernel-adapting" { values["updates"] = 2 }
    return Reading(keyed: values)
  }

  private func misses(_ change: (inout StudyRun) -> Void) -> [String] {
    var runs = StudyFixture.runs(study, study.plan) { cell, _, round in Self.steered(cell, round) }
    for index in runs.indices { change(&runs[index]) }
    return study.judge(runs, study.plan, complete: true).misses
  }

  @Test("a plan's cells are the schemes that each condition has, and only those")
  func cells() throws {
    #expect(FabricPaths.cells(study.plan).count == 11)
    let plan = try study.replacing(["conditions=spine", "schemes=hash,kernel"], in: study.plan)
    #expect(FabricPaths.cells(plan).map { $0.text() } == ["kernel"])
    for setting in ["conditions=flood", "schemes=nobody", "seed=900011"] {
      #expect(throws: TestbedError.self, "\(setting)") {
        try study.validate(study.replacing([setting], in: study.plan))
      }
    }
  }

  @Test("one packet that is late on a dead path, and one flow that never ends, are misses")
  func single() {
    let late = misses { run in
      if run.round == 3, run.cell.text("condition") == "silence" { run.reading[FabricPaths.beyond] = 10.5 }
    }
    #expect(late.count == 1 && late[0].hasPrefix("last packet on a dead path"), "\(late)")
    let unfinished = misses { run in
      if run.round == 0, run.cell.text() == "ecmp", run.cell.text("condition") == "even" {
        run.reading[FabricPaths.unfinished] = 1
      }
    }
    #expect(unfinished == ["flows unfinished: 1, target ≤ 0"])
  }

  @Test("the interval's upper end counts: seeds that differ much do not pass by their mean")
  func interval() {
    let found = misses { run in
      guard run.cell.text() == "kernel", run.cell.text("condition") == "uneven" else { return }
      run.reading[SizeClass.long.milliseconds.mean] = run.round % 2 == 0 ? 300 : 800
    }
    #expect(found.contains { $0.hasPrefix("uneven: long flows, kernel over ecmp, upper end") }, "\(found)")
  }

  @Test("a fabric with a slow spine and segments is told so, and one without is as before")
  func commands() {
    var plan = FabricPlan()
    let plain = FabricCommands(plan: plan)
    #expect(!plain.wires { _ in "n" }.contains { $0.contains("hook") || $0.contains("address") })
    plan.spineShares = [0.5]
    plan.hasSegments = true
    #expect(plan.mbps(ofSpine: 0) == 50 && plan.mbps(ofSpine: 1) == 100)
    let commands = FabricCommands(plan: plan)
    #expect(commands.ports(.spine(0)).contains { $0.contains("rate 50000000bit") })
    #expect(commands.ports(.leaf(0)).contains { $0.contains("dev spine0") && $0.contains("50000000bit") })
    #expect(!commands.ports(.spine(1)).contains { $0.contains("rate 50000000bit") })
    #expect(commands.restoring(spine: 1).contains { $0.contains("fd00:1::4/128 encap seg6local") })
    #expect(commands.network(.host(0)).contains { $0.hasPrefix("route add 10.79.1.0/24 dev hook") })
    plan.spineShares = [0]
    #expect(throws: TestbedError.self) { try plan.validate() }
  }
}
