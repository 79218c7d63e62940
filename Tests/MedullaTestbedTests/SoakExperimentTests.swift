import Foundation
import Testing

@testable import MedullaTestbed

@Suite("The experiment soak")
struct SoakTests {
  private func look(
    _ time: Double, completed: Int, broken: Int = 0, held: Int = 0, taken: Int? = nil, daemon: Int = 50
  ) -> SoakLook {
    var flows = ShortFlows.Counts()
    (flows.begun, flows.connected) = (completed + broken, completed + broken)
    (flows.completed, flows.broken) = (completed, broken)
    return SoakLook(
      time: time, flows: flows, held: held, taken: taken ?? completed + broken, version: 5, samples: 10,
      samplesDropped: 0, daemonBytes: daemon << 20, kernelBytes: 100 << 20, kills: min(29, Int(time / 60)))
  }

  private func rollouts(_ change: (inout SoakRollouts) -> Void = { _ in }) -> SoakRollouts {
    var rollouts = SoakRollouts()
    (rollouts.promotions, rollouts.verdicts) = (40, ["accepted": 40])
    change(&rollouts)
    return rollouts
  }

  /// Half an hour with kills and six minutes without, a look each five seconds.
  private func verdict(
    _ last: SoakLook, daemon: (Double) -> Int = { _ in 50 }, staged: Int = 0, shadowed: Int = 0,
    _ rollouts: SoakRollouts? = nil
  ) -> SoakVerdict {
    let looks = (0..<432).map { look(Double($0) * 5, completed: $0 * 80, daemon: daemon(Double($0) * 5)) }
    return SoakVerdict(
      looks + [last], completion: [0.1], adapterCrashes: 3, expectedKills: 29,
      ending: SoakEnding(staged: staged, shadowed: shadowed, rollouts: rollouts ?? self.rollouts()),
      complete: true)
  }

  @Test("whole flows, true counts and flat memory meet the targets")
  func met() {
    let verdict = verdict(look(2_160, completed: 36_000))
    #expect(verdict.met, "\(verdict.misses)")
    #expect(!SoakVerdict([], complete: true).met)
  }

  @Test("a broken flow, a wrong count, a flow that a slot keeps, and growing memory each miss")
  func missed() {
    #expect(verdict(look(2_160, completed: 35_999, broken: 1)).misses.contains { $0.hasPrefix("broken") })
    #expect(
      verdict(look(2_160, completed: 36_000, taken: 36_001)).misses
        .contains { $0.hasPrefix("kernel's count") })
    #expect(
      verdict(look(2_160, completed: 36_000, held: 2)).misses.contains { $0.hasPrefix("flows that slots") })
    #expect(
      verdict(look(2_160, completed: 36_000), staged: 1).misses.contains { $0.hasPrefix("left staged") })
    #expect(
      verdict(look(2_160, completed: 36_000), shadowed: 1).misses.contains { $0.hasPrefix("left staged") })
  }

  @Test("a daemon that leaks misses, though kills hide it; one that fills its caches does not")
  func leak() {
    let last = look(2_160, completed: 36_000)
    // 600 MiB an hour within each life, which begins at 50 MiB again.
    let leaking = verdict(last) { 50 + Int(($0 - 60 * Double(min(29, Int($0 / 60)))) / 6) }
    #expect(leaking.misses.contains { $0.hasPrefix("of a life") })
    #expect(leaking.misses.contains { $0.hasPrefix("of the last life") })
    // Only in the long life does a slow one show.
    let slow = verdict(last) { $0 < 1_740 ? 50 : 50 + Int(($0 - 1_740) / 60) }
    #expect(slow.misses.contains { $0.hasPrefix("of the last life") })
    #expect(!slow.misses.contains { $0.hasPrefix("of a life") })
    let filling = verdict(last) { 50 + min(2, Int(($0 - 60 * Double(min(29, Int($0 / 60)))) / 20)) }
    #expect(filling.met, "\(filling.misses)")
    let growing = verdict(last) { 50 + min(29, Int($0 / 60)) }
    #expect(growing.misses.contains { $0.hasPrefix("daemon's memory") })
  }

  @Test("a promotion needs a verdict, or a kill that cut its watch off")
  func promotions() {
    let last = look(2_160, completed: 36_000)
    #expect(verdict(last, rollouts { $0.unexplained = [7] }).misses.contains { $0.hasPrefix("snapshot 7") })
    #expect(verdict(last, rollouts { $0.unrecorded = [9] }).misses.contains { $0.hasPrefix("snapshot 9") })
    #expect(verdict(last, rollouts { $0.promotions = 0 }).misses.contains { $0.hasPrefix("no promotion") })

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

  @Test("the plan of half an hour is complete")
  func plan() {
    #expect(SoakPlan().isComplete)
    #expect(SoakPlan().flows == 43_200)
    #expect(!SoakPlan.quick.isComplete)
  }
}
