import Foundation
import Testing

@testable import MedullaTestbed

@Suite("The experiment on links")
struct ExperimentTests {
  private func run(
    _ cell: LinkCell, _ congestion: String, share: Double = 0.95, delay: Double = 5, jain: Double = 1,
    deviceDrops: Int = 0
  ) -> LinkRun {
    LinkRun(
      cell: cell, congestion: congestion, seconds: 20, warmUpSeconds: 5, seed: 1,
      capacityMbps: cell.capacityMbps, goodputMbps: share * cell.capacityMbps, share: share,
      queueingDelayMeanMs: delay, queueingDelayP95Ms: delay * 2, rttMeanMs: 1, rttP95Ms: 1, retransmits: 0,
      dropped: 0, lost: 0, flowGoodputMbps: [1], jain: jain, fellBehind: false, deviceDrops: deviceDrops)
  }

  /// Good runs of the whole matrix.
  private func good() -> [LinkRun] {
    LinkPlan().cells.flatMap { [run($0, "medulla"), run($0, "cubic", share: 1, delay: 9)] }
  }

  @Test("the matrix has 24 links, a lossy run of each rate, and two and four flows on each rate")
  func matrix() {
    let cells = LinkPlan().cells
    #expect(cells.filter { $0.part == .steady }.count == 24)
    #expect(cells.filter { $0.part == .loss }.map(\.rateMbps) == [12, 48, 100, 400])
    #expect(cells.filter { $0.part == .loss }.allSatisfy { $0.loss == 0.01 && $0.rttMilliseconds == 40 })
    #expect(Set(cells.filter { $0.part == .fairness }.map(\.flows)) == [2, 4])
    #expect(Set(cells).count == cells.count)
    #expect(LinkPlan().isComplete)
    #expect(!LinkPlan.quick.isComplete)
  }

  @Test("a buffer is its multiple of the bandwidth-delay product, and never under eight packets")
  func buffers() {
    var cell = LinkPlan().cells[0]
    (cell.rateMbps, cell.rttMilliseconds, cell.bufferBdp) = (48, 40, 2)
    #expect(cell.bufferBytes == 480_000)
    (cell.rateMbps, cell.rttMilliseconds) = (1, 1)
    #expect(cell.bufferBytes == 12_000)
    #expect(cell.label == "1 Mbit/s, 1 ms, 2 BDP")
  }

  @Test("capacity is the payload of full packets")
  func capacity() {
    #expect(abs(LinkPlan().cells[0].capacityMbps - 12 * 1448 / 1500) < 1e-12)
  }

  @Test("good runs of the full matrix meet the targets")
  func met() {
    let verdict = LinkVerdict(good(), congestion: "medulla", complete: true)
    #expect(verdict.met)
    #expect(verdict.misses.isEmpty)
    #expect(verdict.figures == .init(steadyShare: 0.95, delayBelowCubic: 1, lossShare: 0.95, jain: 1))
  }

  @Test("the same runs without the full matrix are no verdict")
  func incomplete() {
    #expect(!LinkVerdict(good(), congestion: "medulla", complete: false).met)
    #expect(!LinkVerdict([], congestion: "medulla", complete: true).met)
    #expect(!LinkVerdict(good(), congestion: "medulla", complete: false).failed)
  }

  @Test("a full matrix without CUBIC is not met, and says why")
  func withoutCubic() {
    let alone = good().filter { $0.congestion == "medulla" }
    let verdict = LinkVerdict(alone, congestion: "medulla", complete: true)
    #expect(!verdict.met)
    #expect(verdict.failed)
    #expect(verdict.misses == ["no CUBIC run to compare with"])
    #expect(verdict.summary.contains("missed: no CUBIC run to compare with"))
    // One link's CUBIC run is not there.
    var runs = good()
    let gone = runs.remove(at: runs.firstIndex { $0.congestion == "cubic" && $0.cell.part == .steady } ?? 0)
    #expect(
      LinkVerdict(runs, congestion: "medulla", complete: true).misses
        == ["\(gone.cell.label): no CUBIC run to compare with"])
    // CUBIC itself has nothing to be compared with.
    #expect(!LinkVerdict(good(), congestion: "cubic", complete: true).met)
  }

  @Test("full means the default times or longer, on every link")
  func completeness() {
    let cases: [(seconds: Int?, warmUp: Int?, complete: Bool)] = [
      (nil, nil, true), (2, 0, false), (nil, 0, false), (nil, 4, false), (20, nil, false), (29, nil, false),
      (30, nil, true), (30, 0, false), (30, 7, true), (30, 8, false), (31, 8, true), (60, nil, true),
      (60, 50, false), (nil, 15, false),
    ]
    for (seconds, warmUp, complete) in cases {
      var plan = LinkPlan()
      (plan.seconds, plan.warmUp) = (seconds, warmUp)
      #expect(plan.isComplete == complete, "\(String(describing: (seconds, warmUp)))")
    }
    for drop: (inout LinkPlan) -> Void in [
      { $0.rates.removeLast() }, { $0.rtts.removeFirst() }, { $0.buffers = [1] }, { $0.flowCounts = [2] },
      { $0.parts = [.steady, .fairness] }, { $0.loss = 0.001 },
    ] {
      var plan = LinkPlan()
      drop(&plan)
      #expect(!plan.isComplete, "\(plan)")
    }
    var more = LinkPlan()
    more.rates.append(1000)
    #expect(more.isComplete)
  }

  @Test(
    "a run in which the emulator fell behind is repeated once",
    arguments: [([false], 1), ([true, false], 2), ([true, true], 2), ([true, true, false], 2)])
  func repeated(late: [Bool], attempts: Int) {
    let cell = LinkPlan().cells[0]
    var count = 0
    let kept = LinkRun.steadied {
      defer { count += 1 }
      var run = run(cell, "medulla", share: Double(count))
      run.fellBehind = late[count]
      return run
    }
    #expect(count == attempts)
    #expect(kept.attempts == attempts)
    #expect(kept.fellBehind == late[attempts - 1])
    #expect(kept.share == Double(attempts - 1), "the last run's figures")
    #expect(kept.line.contains("second attempt") == (attempts == 2))
  }

  @Test("a run in which the emulator fell behind spoils the verdict where its figures count")
  func fellBehind() {
    let cases: [(congestion: String, part: LinkCell.Part, spoils: Bool)] = [
      ("medulla", .steady, true), ("medulla", .loss, true), ("medulla", .fairness, true),
      ("cubic", .steady, true), ("cubic", .loss, false), ("cubic", .fairness, false),
      ("bbr", .steady, false),
    ]
    for (congestion, part, spoils) in cases {
      var runs = good() + LinkPlan().cells.map { run($0, "bbr") }
      guard let at = runs.firstIndex(where: { $0.congestion == congestion && $0.cell.part == part }) else {
        Issue.record("no run of \(congestion) in \(part)")
        continue
      }
      runs[at].fellBehind = true
      let verdict = LinkVerdict(runs, congestion: "medulla", complete: true)
      #expect(verdict.met != spoils, "\(congestion), \(part)")
      #expect(
        verdict.misses == (spoils ? ["\(runs[at].cell.label), \(congestion): the emulator fell behind"] : []))
    }
  }

  @Test(
    "one miss on one link is a miss, by name",
    arguments: ["share", "delay", "loss", "jain", "drops", "nothing", "not-a-number"])
  func missed(what: String) {
    var runs = good()
    let part: LinkCell.Part =
      what == "loss" ? .loss : ["jain", "nothing"].contains(what) ? .fairness : .steady
    let at = runs.lastIndex { $0.congestion == "medulla" && $0.cell.part == part } ?? 0
    switch what {
    case "share": runs[at].share = 0.89
    case "delay": runs[at].queueingDelayMeanMs = 9
    case "loss": runs[at].share = 0.79
    case "jain": runs[at].jain = 0.89
    case "nothing": runs[at].goodputMbps = 0
    case "not-a-number": runs[at].share = .nan
    default: runs[at].deviceDrops = 1
    }
    let verdict = LinkVerdict(runs, congestion: "medulla", complete: true)
    #expect(!verdict.met)
    #expect(verdict.misses.count == 1)
    #expect(verdict.misses.first?.hasPrefix(runs[at].cell.label) == true)
    #expect(["drops", "not-a-number"].contains(what) || verdict.summary.contains("MISSED"))
  }

  @Test("a plan that cannot be run is refused")
  func plans() {
    let changes: [(inout LinkPlan) -> Void] = [
      { $0.rates = [] }, { $0.rates = [0] }, { $0.rates = [.nan] }, { $0.rtts = [-1] }, { $0.buffers = [0] },
      { $0.flowCounts = [0] }, { $0.seconds = 1 },
      {
        $0.seconds = 10; $0.warmUp = 10
      }, { $0.repeats = 0 },
      { $0.loss = 2 }, { $0.rates = [1e9] }, { $0.buffers = [1e6] },
    ]
    for (index, change) in changes.enumerated() {
      var plan = LinkPlan()
      change(&plan)
      #expect(throws: TestbedError.self, "change \(index)") { try plan.validate() }
    }
    #expect(throws: Never.self) { try LinkPlan().validate() }
  }

  @Test("the result file has the stated keys and can be read again")
  func file() throws {
    let runs = good()
    let result = LinkExperiment.Result(
      "links", plan: LinkPlan(), method: LinkExperiment.method, runs: runs,
      verdict: LinkVerdict(runs, congestion: "medulla", complete: true))
    let text = try JSONText.encode(result)
    let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(Set(object.keys) == ["schema", "experiment", "environment", "runs", "verdict", "summary"])
    let verdict = try #require(object["verdict"] as? [String: Any])
    #expect(Set(verdict.keys).isSuperset(of: ["met", "figures", "targets"]))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let again = try decoder.decode(LinkExperiment.Result.self, from: Data(text.utf8))
    #expect(again.runs.count == runs.count)
    #expect(again.verdict.met)
    #expect(again.plots.svg.contains("Mean queueing delay"))
  }
}

extension RealLinks {
  @Suite("A run of the experiment")
  struct RunTests {
    @Test(
      "one short run on a real link gives goodput, delay and no device drops",
      .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
    func measured() throws {
      var cell = LinkPlan().cells[0]
      (cell.rateMbps, cell.rttMilliseconds, cell.bufferBdp) = (20, 10, 2)
      let run = try LinkRun.measure(
        cell, congestion: "cubic", seconds: 4, warmUp: 1, seed: 1, executable: TestHost.medulla)
      // Above, what the link allows; below, what a busy machine cannot explain.
      #expect(run.share <= 1.1)
      #expect(run.share > (run.fellBehind ? 0 : 0.3))
      #expect(run.queueingDelayMeanMs > 0)
      #expect(run.queueingDelayMeanMs <= 21)
      #expect(run.rttMeanMs >= 10)
      #expect(run.fellBehind || run.deviceDrops == 0)
    }
  }
}
