import Foundation
import MedullaBase
import Testing

@testable import TestbedExperiments
@testable import TestbedLink
@testable import TestbedWorkload

@Suite("The study of flow scheduling in a fabric of namespaces")
struct FabricSchedulingTests {
  private let study = FabricScheduling.study

  /// A run in which the network does its work, with a little more or less from seed to seed; a useless
  /// network orders flows no better than counting bytes does.
  static func scheduled(_ cell: StudyCell, _ round: Int, isUseless: Bool = false) -> Reading {
    let noise = round % 2 == 0 ? 1.01 : 0.99
    let isFrozenDrift = cell.text("event") == "drift" && cell.text() == "kernel"
    let others: [String: Double] = ["fifo": 40, "true-size": 10, "bytes-sent": 13]
    var short = others[cell.text()] ?? 10.3
    if isFrozenDrift || (isUseless && ["kernel", "user-space"].contains(cell.text())) { short = 13 * noise }
    let middle: Double = cell.text() == "fifo" ? 60 : isFrozenDrift ? 40 : 30
    var values: [String: Double] = [
      "short_ms_mean": short * noise, "middle_ms_mean": middle * noise, "long_ms_mean": 300,
      "completed": 500, "unfinished": 0,
    ]
    if cell.text() == "kernel-adapting" { values["updates"] = 3 }
    return Reading(keyed: values)
  }

  private func misses(_ change: (inout StudyRun) -> Void) -> [String] {
    var runs = StudyFixture.runs(study, study.plan) { cell, _, round in Self.scheduled(cell, round) }
    for index in runs.indices { change(&runs[index]) }
    return study.judge(runs, study.plan, complete: true).misses
  }

  @Test("a plan's cells are the schemes that each event has, and only those")
  func cells() throws {
    #expect(FabricScheduling.cells(study.plan).count == 10)
    let plan = try study.replacing(["events=drift", "schemes=fifo,kernel"], in: study.plan)
    #expect(FabricScheduling.cells(plan).map { $0.text() } == ["kernel"])
    for setting in ["events=flood", "schemes=nobody", "seed=900001"] {
      #expect(throws: TestbedError.self, "\(setting)") {
        try study.validate(study.replacing([setting], in: study.plan))
      }
    }
  }

  @Test("the interval's upper end counts: seeds that differ much do not pass by their mean")
  func interval() {
    let found = misses { run in
      guard run.cell.text() == "kernel", run.cell.text("event") == "steady" else { return }
      run.reading[SizeClass.short.milliseconds.mean] = run.round % 2 == 0 ? 6 : 14
    }
    #expect(found.contains { $0.hasPrefix("short flows, kernel over true-size, upper end") }, "\(found)")
  }

  @Test("one flow that never ends is a miss, and so is an adapter that never puts anything in")
  func single() {
    let unfinished = misses { run in
      if run.round == 0, run.cell.text() == "fifo" { run.reading[FabricScheduling.unfinished] = 1 }
    }
    #expect(unfinished == ["flows unfinished: 2, target ≤ 0"])
    let idle = misses {
      $0.reading[FabricScheduling.updates] = $0.reading[FabricScheduling.updates].map { _ in 0 }
    }
    #expect(idle == ["snapshots put in while adapting, least: 0, target ≥ 1"])
  }

  @Test("requests offer the load by the distribution's sizes, and a drift turns kinds around")
  func requests() throws {
    let sizes = try FabricSizeDistribution(
      name: "two", points: [.init(bytes: 0, probability: 0), .init(bytes: 800_000, probability: 1)])
    var requests = FabricRequests()
    (requests.seconds, requests.seed) = (40, 5)
    let flows = try requests.draw(sizes)
    #expect(try requests.draw(sizes) == flows)
    let offered = Double(flows.reduce(0) { $0 + $1.bytes }) * 8 / 40 / (8 * 50e6)
    #expect(abs(offered - 0.6) < 0.06, "\(offered)")
    #expect(flows.allSatisfy { $0.source != $0.destination && (1...$0.bytes).contains($0.headBytes) })
    #expect(zip(flows, flows.dropFirst()).allSatisfy { $0.startNanoseconds <= $1.startNanoseconds })
    func mean(_ flows: [FabricTransfer], heads: ClosedRange<Int>) -> Double {
      let own = flows.filter { heads.contains($0.headBytes) }
      return Double(own.reduce(0) { $0 + $1.bytes }) / Double(max(own.count, 1))
    }
    #expect(mean(flows, heads: 90...150) < mean(flows, heads: 700...1_100) / 2)
    requests.drift = 20
    let after = try requests.draw(sizes).filter(requests.isAfter)
    #expect(mean(after, heads: 90...150) > mean(after, heads: 700...1_100))
  }

  @Test("a sender knows its pair's last flows, the last one first, as far as they have been sent")
  func history() {
    var history = FabricHistory()
    func begin(_ number: Int, to destination: Int = 1, at microseconds: UInt64) -> FabricFlows.Knowledge {
      history.begin(
        number,
        FabricTransfer(
          startNanoseconds: 0, source: 0, destination: destination, headBytes: 100, bytes: 5_000),
        at: microseconds * 1_000)
    }
    #expect(begin(0, at: 10).features == [100, 0, 0, 0, 0])
    history.note(0, sent: 5_000)
    _ = begin(1, to: 2, at: 20)
    let second = begin(2, at: 60)
    #expect(second.microsecondsSincePrevious == 50 && second.previousBytes.dropFirst() == [0, 0])
    #expect(second.previousBytes[0] > 5_000 && second.previousBytes[0] < 6_000)
    history.note(2, sent: 100)
    let third = begin(3, at: 70).previousBytes
    #expect(third[0] < third[1] && third[1] == second.previousBytes[0])
  }
}
