import TestbedCases
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

@Suite("The study of links")
struct LinksStudyTests {
  private let study = Links.study

  /// Good runs of the whole matrix.
  private func good() -> [StudyRun] {
    study.cells(study.plan).map { cell in
      let isCubic = cell[Links.baselines] == "cubic"
      return StudyRun(
        cell, round: 0,
        Reading(keyed: [
          "share": isCubic ? 1 : 0.95, "queue_ms_mean": isCubic ? 9 : 5, "jain": 1, "goodput_mbps": 1,
        ]))
    }
  }

  private func misses(_ runs: [StudyRun], _ settings: [String] = []) throws -> [String] {
    study.judge(runs, try study.replacing(settings, in: study.plan), complete: true).misses
  }

  private func at(_ runs: [StudyRun], _ congestion: String, _ part: Links.Part) -> Int {
    runs.lastIndex { $0.cell.fits([Links.baselines(congestion), Links.parts(part.rawValue)]) } ?? 0
  }

  @Test("the matrix has 24 links, a lossy run of each rate, and two and four flows on each rate")
  func matrix() throws {
    let cells = try study.cells(study.replacing(["baselines=[]"], in: study.plan))
    func of(_ part: Links.Part) -> [LinkCell] {
      cells.filter { $0.fits([Links.parts(part.rawValue)]) }.map(Links.link)
    }
    #expect(of(.steady).count == 24)
    #expect(of(.loss).map(\.rateMbps) == [12, 48, 100, 400])
    #expect(of(.loss).allSatisfy { $0.loss == 0.01 && $0.rttMilliseconds == 40 })
    #expect(Set(of(.fairness).map(\.flows)) == [2, 4])
    #expect(Set(cells).count == cells.count && cells.count == 36)
    #expect(cells[0].title == "12 Mbit/s, 10 ms, 1 BDP, medulla")
  }

  @Test("a buffer is its multiple of the bandwidth-delay product, and never under eight packets")
  func buffers() {
    #expect(LinkCell(rateMbps: 48, rttMilliseconds: 40, bufferBdp: 2).bufferBytes == 480_000)
    let small = LinkCell(rateMbps: 1, rttMilliseconds: 1, bufferBdp: 2)
    #expect(small.bufferBytes == 12_000 && small.label == "1 Mbit/s, 1 ms, 2 BDP")
    let link = LinkCell(rateMbps: 8, rttMilliseconds: 30, bufferBdp: 1, loss: 0.1).link(seed: 5)
    #expect(link.forward.lossProbability == 0.1 && link.backward.bitsPerSecond == nil && link.seed == 5)
    #expect(
      abs(LinkCell(rateMbps: 12, rttMilliseconds: 1, bufferBdp: 1).capacityMbps - 12 * 1448 / 1500) < 1e-12)
  }

  @Test("a full matrix without CUBIC, or without one of its links, is not met")
  func withoutCubic() throws {
    #expect(try misses(good()).isEmpty)
    let alone = good().filter { $0.cell[Links.baselines] == "medulla" }
    #expect(try misses(alone) == ["links with less delay than CUBIC: not run, target ≥ 1.000"])
    var runs = good()
    runs.remove(at: at(runs, "cubic", .steady))
    #expect(try misses(runs) == ["links with less delay than CUBIC: 0.958, target ≥ 1.000"])
    // CUBIC itself has nothing to be compared with.
    #expect(try misses(good(), ["congestion=cubic"]).count == 1)
  }

  @Test("full means the usual times or longer, on every link")
  func completeness() throws {
    let cases: [(seconds: Int?, warmUp: Int?, complete: Bool)] = [
      (nil, nil, true), (2, 0, false), (nil, 0, false), (nil, 4, false), (20, nil, false), (29, nil, false),
      (30, nil, true), (30, 0, false), (30, 7, true), (30, 8, false), (31, 8, true), (60, nil, true),
      (60, 50, false), (nil, 15, false),
    ]
    for (seconds, warmUp, complete) in cases {
      var plan = study.plan
      plan[Links.seconds] = seconds ?? 0
      plan[Links.warmUp] = warmUp ?? -1
      #expect(study.isComplete(plan) == complete, "\(String(describing: (seconds, warmUp)))")
    }
    for setting in [
      "rates=12,48,100", "rtts=40,100", "buffers=1", "flows=2", "parts=steady,fairness", "loss=0.001",
    ] {
      #expect(!study.isComplete(try study.replacing([setting], in: study.plan)), "\(setting)")
    }
    #expect(study.isComplete(try study.replacing(["rates=12,48,100,400,1000"], in: study.plan)))
  }

  @Test("a run in which the emulator fell behind spoils the verdict where its figures count")
  func fellBehind() throws {
    let cases: [(congestion: String, part: Links.Part, spoils: Bool)] = [
      ("medulla", .steady, true), ("medulla", .loss, true), ("medulla", .fairness, true),
      ("cubic", .steady, true), ("cubic", .loss, false), ("cubic", .fairness, false),
    ]
    for (congestion, part, spoils) in cases {
      var runs = good()
      let at = at(runs, congestion, part)
      runs[at].reading.faults = [Reading.late]
      let misses = try misses(runs)
      #expect(misses == (spoils ? ["\(runs[at].cell.title): the emulator fell behind"] : []), "\(congestion)")
    }
  }

  @Test(
    "one link below a bound is a miss",
    arguments: [
      (Links.Part.steady, "share", 0.89, "least share of capacity: 0.890"),
      (.steady, "share", .nan, "least share of capacity: 0.000"),
      (.steady, "queue_ms_mean", 9, "links with less delay than CUBIC: 0.958"),
      (.loss, "share", 0.79, "least share with random loss: 0.790"),
      (.fairness, "jain", 0.89, "least Jain index: 0.890"),
    ])
  func missed(part: Links.Part, key: String, value: Double, miss: String) throws {
    var runs = good()
    runs[at(runs, "medulla", part)].reading[Metric(key, "")] = value
    let misses = try misses(runs)
    #expect(misses.count == 1 && misses[0].hasPrefix(miss), "\(misses)")
  }

  @Test("a plan that cannot be run is refused")
  func plans() throws {
    for settings in [
      ["rates=[]"], ["rates=0"], ["rtts=-1"], ["buffers=0"], ["flows=0"], ["seconds=1"],
      ["seconds=10", "warm_up=10"], ["repeats=0"], ["loss=2"], ["rates=1e9"], ["buffers=1e6"], ["parts=all"],
    ] {
      #expect(throws: TestbedError.self, "\(settings)") {
        try study.validate(study.replacing(settings, in: study.plan))
      }
    }
  }
}

extension RealLinks {
  @Suite("A run of the study of links")
  struct RunTests {
    @Test(
      "one short run on a real link gives goodput, delay and no device drops",
      .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
    func measured() throws {
      let cell = LinkCell(rateMbps: 20, rttMilliseconds: 10, bufferBdp: 2)
      let run = try BulkTrial.measure(
        cell, congestion: "cubic", seconds: 4, warmUp: 1, seed: 1, executable: TestHost.lab)
      let (share, queue) = (run[BulkTrial.share] ?? 0, run[FlowMetrics.queue.mean] ?? 0)
      // Above, what the link allows; below, what a busy machine cannot explain.
      #expect(share <= 1.1 && share > (run.faults.isEmpty ? 0.3 : 0))
      #expect(queue > 0 && queue <= 21)
      #expect((run[FlowMetrics.roundTrip.mean] ?? 0) >= 10)
      #expect(!run.faults.isEmpty || run[BulkTrial.deviceDrops] == 0)
    }
  }
}
