import Foundation
import Testing

@testable import TestbedExperiments
@testable import TestbedWorkload

/// Looks of a soak that nobody ran: half an hour with kills and six minutes without, a look each five
/// seconds.
enum SoakCases {
  static func look(
    _ plan: StudyPlan, _ round: Int, daemon: Double = 50, broken: Double = 0, taken: Double? = nil,
    held: Double = 0, left: Double = 0, crashes: Double = 3, version: Double = 5, promotions: Double = 40,
    faults: [String] = []
  ) -> Reading {
    let time = Double(round) * plan[Soak.lookEvery]
    let begun = Double(round + 1) * 100
    var values = [
      "time_s": time, "begun": begun, "connected": begun, "completed": begun - broken, "broken": broken,
      "skipped": 0, "held": held, "taken": taken ?? begun, "version": version, "samples": 10,
      "samples_dropped": 0, "daemon_mib": daemon, "kernel_mib": 100,
      "kills": kills(time, plan), "adapter_crashes": crashes,
    ]
    guard round == Soak.looks(plan) - 1 else { return Reading(keyed: values) }
    (values["left_staged"], values["promotions"], values["unexplained"]) = (left, promotions, 0)
    values["interrupted"] = 0
    var reading = Reading(keyed: values, faults: faults)
    reading.series[Soak.completionSeries] = [0.1]
    return reading
  }

  static func kills(_ time: Double, _ plan: StudyPlan) -> Double {
    let most = (Double(plan[Soak.duration]) / plan[Soak.killEvery]).rounded(.down) - 1
    return min(most, (time / plan[Soak.killEvery]).rounded(.down))
  }
}

@Suite("The experiment soak")
struct SoakTests {
  private func verdict(_ read: (Int) -> Reading) -> Verdict {
    let plan = Soak.study.plan
    let runs = (0..<Soak.looks(plan)).map { StudyRun(StudyCell(), round: $0, read($0)) }
    return Soak.study.judge(runs, plan, complete: true)
  }

  private func look(
    _ round: Int, daemon: Double = 50, broken: Double = 0, taken: Double? = nil, held: Double = 0,
    left: Double = 0, promotions: Double = 40
  ) -> Reading {
    SoakCases.look(
      Soak.study.plan, round, daemon: daemon, broken: broken, taken: taken, held: held, left: left,
      promotions: promotions)
  }

  @Test("whole flows, true counts and flat memory meet the bounds")
  func met() {
    let verdict = verdict { look($0) }
    #expect(verdict.met, "\(verdict.misses)")
  }

  @Test("a broken flow, a wrong count, a flow that a slot keeps, and what is left staged each miss")
  func missed() {
    let cases: [(String, (Int) -> Reading)] = [
      ("broken", { self.look($0, broken: 1) }), ("kernel's count", { self.look($0, taken: 1) }),
      ("flows that slots", { self.look($0, held: 2) }), ("left staged", { self.look($0, left: 1) }),
      ("no promotion", { self.look($0, promotions: 0) }),
    ]
    for (name, read) in cases {
      let misses = verdict(read).misses
      #expect(misses.count == 1 && misses[0].hasPrefix(name), "\(name): \(misses)")
    }
  }

  @Test("a daemon that leaks misses, though kills hide it; one that fills its caches does not")
  func leak() {
    let plan = Soak.study.plan
    func grown(_ daemon: @escaping (_ time: Double, _ ofLife: Double) -> Double) -> Verdict {
      verdict { round in
        let time = Double(round) * 5
        return look(round, daemon: 50 + daemon(time, time - 60 * SoakCases.kills(time, plan)))
      }
    }
    // 600 MiB an hour within each life, which begins at 50 MiB again.
    let leaking = grown { $1 / 6 }
    #expect(leaking.misses.contains { $0.hasPrefix("of a life") })
    #expect(leaking.misses.contains { $0.hasPrefix("of the last life") })
    // Only in the long life does a slow one show.
    let slow = grown { time, _ in max(0, (time - 1_740) / 60) }
    #expect(slow.misses.contains { $0.hasPrefix("of the last life") })
    #expect(!slow.misses.contains { $0.hasPrefix("of a life") })
    let filling = grown { min(2, ($1 / 20).rounded(.down)) }
    #expect(filling.met, "\(filling.misses)")
    let growing = grown { SoakCases.kills($0, plan) + 0 * $1 }
    #expect(growing.misses.contains { $0.hasPrefix("daemon's memory") })
  }

  @Test("what is unexplained at the end is told by its snapshot")
  func unexplained() {
    var rollouts = SoakRollouts()
    (rollouts.promotions, rollouts.unexplained, rollouts.unrecorded) = (40, [7], [9])
    let verdict = verdict { round in
      var reading = look(round)
      if round == Soak.looks(Soak.study.plan) - 1 { reading.note(rollouts, left: 0, completion: [0.1]) }
      return reading
    }
    #expect(verdict.misses.contains { $0.hasPrefix("snapshot 7") })
    #expect(verdict.misses.contains { $0.hasPrefix("snapshot 9") })
    #expect(verdict.misses.contains { $0.hasPrefix("without a verdict or a reason: 2") })
  }

  @Test("a promotion needs a verdict, or a kill that cut its watch off")
  func promotions() {
    func judge(_ records: [SoakRollouts.Record], kills: [Double] = []) -> SoakRollouts {
      SoakRollouts(records, interruptions: kills, active: [], window: 2)
    }
    let two: [SoakRollouts.Record] = [
      .init(10, 2, .promotion), .init(13, 2, .verdict("accepted")), .init(20, 3, .promotion),
    ]
    #expect(judge(two).unexplained == [3])
    #expect(judge(two, kills: [21]).unexplained.isEmpty)
    #expect(judge(two, kills: [21]).interrupted == 1)
    // Long before or after the watch, or after the next promotion, a kill explains nothing.
    #expect(judge(two, kills: [5]).unexplained == [3])
    #expect(judge(two, kills: [40]).unexplained == [3])
    let next = two + [.init(22, 4, .promotion), .init(24, 4, .verdict("undecided"))]
    #expect(judge(next, kills: [23]).unexplained == [3])
    #expect(judge(next, kills: [23]).verdicts == ["accepted": 1, "undecided": 1])
    // What did worse must go.
    let worse = Array(two.dropLast()) + [.init(30, 5, .promotion), .init(32, 5, .verdict("worse"))]
    #expect(judge(worse).unexplained == [5])
    #expect(judge(worse + [.init(33, 5, .rollback)]).unexplained.isEmpty)
  }

  @Test("an active snapshot that nobody wrote down needs a kill at that moment")
  func unrecorded() {
    func judge(_ kills: [Double]) -> [Int] {
      SoakRollouts(
        [.init(10, 2, .promotion)], interruptions: kills,
        active: [(version: 2, since: 9, time: 14), (version: 3, since: 20, time: 25)], window: 2
      ).unrecorded
    }
    #expect(judge([]) == [3])
    #expect(judge([40]) == [3])
    #expect(judge([24]) == [])
  }

  @Test("the history is read as the command prints it, each record once")
  func history() throws {
    var history = SoakHistory(begin: Date(timeIntervalSince1970: 1_000))
    let promotion = """
      {"records":[{"function":"x","id":7,"kind":"promotion","record":{"before":1,"forced":false,"seconds":0.1,
      "version":2},"time":1010.5,"version":2}],"snapshots":[]}
      """
    try history.note("promotion", promotion)
    try history.note("promotion", promotion)
    try history.note(
      "verdict",
      "{\"records\":[{\"id\":9,\"time\":1013,\"version\":2,\"record\":{\"outcome\":\"accepted\"}}]}")
    #expect(history.records == [.init(10.5, 2, .promotion), .init(13, 2, .verdict("accepted"))])
    #expect(throws: (any Error).self) { try history.note("verdict", "nothing") }
  }

  @Test("the kernel's memory is the sum of its lines")
  func memory() {
    let text = "MemTotal: 5 kB\nSUnreclaim:  10 kB\nVmallocUsed:    20 kB\nPercpu: 1 kB\n"
    #expect(SoakMemory.kernelBytes(text) == 31 * 1024)
  }

  @Test("flows are counted over all snapshots, though a slot's count begins anew")
  func ledger() {
    var ledger = FlowLedger()
    ledger.note([(version: 1, taken: 5), (version: 2, taken: 1)])
    ledger.note([(version: 1, taken: 7), (version: 2, taken: 4)])
    // Version 1's slot has got version 3.
    ledger.note([(version: 3, taken: 2), (version: 2, taken: 4)])
    #expect(ledger.total == 13)
  }
}
