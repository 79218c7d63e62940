import Testing

@testable import TestbedExperiments
@testable import TestbedLink

@Suite("The study of coexistence")
struct CoexistenceStudyTests {
  private let study = Coexistence.study

  private func runs(_ read: (StudyCell) -> [String: Double]) -> [StudyRun] {
    study.cells(study.plan).map { StudyRun($0, round: 0, Reading(keyed: read($0))) }
  }

  private func misses(_ runs: [StudyRun]) -> [String] {
    study.judge(runs, study.plan, complete: true).misses
  }

  @Test("the matrix has 48 links, each with both rivals and both orders, and CUBIC right beside")
  func matrix() {
    let cells = study.cells(study.plan)
    #expect(cells.count == 384 && Set(cells).count == 384)
    #expect(Coexistence.links(study.plan).count == 48)
    for (own, reference) in zip(cells, cells.dropFirst()).enumerated().filter({ $0.offset % 2 == 0 }).map(
      \.element)
    {
      #expect(own.text() == "medulla" && own.with(Coexistence.schemes, .cubic) == reference)
    }
  }

  @Test("a part of the matrix has every rate with every round trip, and all buffers alike")
  func partial() {
    let links = Coexistence.links(study.plan)
    for start in stride(from: 0, to: 48, by: 12) {
      let some = links[start..<(start + 12)]
      #expect(Set(some.map { [$0[Coexistence.rates], $0[Coexistence.rtts]] }).count == 12)
      for buffer in study.plan[Coexistence.buffers] {
        #expect(some.filter { $0[Coexistence.buffers] == buffer }.count == 3)
      }
    }
    #expect(Set(links.prefix(4).map { $0[Coexistence.rates] }).count == 4)
  }

  @Test("one link alone can be run, and is no whole study")
  func oneLink() throws {
    let plan = try study.replacing(["rates=48", "rtts=40", "buffers=1"], in: study.plan)
    try study.validate(plan)
    #expect(study.cells(plan).count == 8 && !study.isComplete(plan) && study.isComplete(study.plan))
    for settings in [["orders=soon"], ["rivals=medulla"], ["rates=0"], ["seconds=5"], ["leave_seconds=0"]] {
      #expect(throws: TestbedError.self, "\(settings)") {
        try study.validate(study.replacing(settings, in: study.plan))
      }
    }
    #expect(!study.isComplete(try study.replacing(["seconds=30"], in: study.plan)))
  }

  @Test("a flow that starves misses what it has to have beside CUBIC and beside BBR")
  func starving() {
    let missed = misses(runs(CongestionCases.starved))
    for name in [
      "beside CUBIC: own over CUBIC's, least: 0.050", "beside CUBIC: share of the fair part, median: 0.050",
      "beside CUBIC, ours first, ≤ 1 BDP: share of the fair part, least: 0.050",
      "beside BBR: own over CUBIC's, least: 0.050", "beside BBR: own over CUBIC's, cells ≥ 1: 0.000",
    ] {
      #expect(missed.contains { $0.hasPrefix(name) }, "\(name)")
    }
    #expect(!missed.contains { $0.contains("rival's over") })
  }

  @Test("a flow that takes everything misses what it has to leave")
  func greedy() {
    let missed = misses(runs(CongestionCases.greedy))
    for name in [
      "rival's over what CUBIC leaves it, least: 0.050",
      "rival's over what CUBIC leaves it, cells ≥ 0.5: 0.000",
      "beside CUBIC: share of the fair part, largest: 1.950",
      "beside BBR, from 4 BDP on: share of the fair part, largest: 1.950",
    ] {
      #expect(missed.contains { $0.hasPrefix(name) }, "\(name)")
    }
    #expect(!missed.contains { $0.contains("own over CUBIC's") })
  }

  @Test("a network that leaves the queue full is missed for that alone")
  func untrained() {
    #expect(
      misses(runs(CongestionCases.untrained)) == [
        "from the rival's end to a small queue (s), largest: 15.000, target ≤ 5.000",
        "from the rival's end to a small queue (s), cells ≤ 5: 0.000, target ≥ 1.000",
      ])
  }

  @Test("one cell of all that is out of its band is a miss, and the share of cells tells how many")
  func oneCell() throws {
    var runs = runs { CongestionCases.shared($0, own: 1, rival: 1) }
    #expect(misses(runs).isEmpty)
    let index = try #require(
      runs.firstIndex { $0.cell.fits([Coexistence.schemes("medulla"), Coexistence.rivals("cubic")]) })
    runs[index].reading[RivalTrial.own] = 20 * 0.69
    #expect(
      misses(runs) == [
        "beside CUBIC: own over CUBIC's, least: 0.690, target ≥ 0.700",
        "beside CUBIC: own over CUBIC's, cells ≥ 0.7: 0.990, target ≥ 1.000",
      ])
  }

  @Test("a cell without its reference is outside of the band")
  func withoutReference() throws {
    var runs = runs { CongestionCases.shared($0, own: 1, rival: 1) }
    runs.removeAll { $0.cell.fits([Coexistence.schemes("cubic"), Coexistence.rivals("bbr")]) }
    let missed = misses(runs)
    #expect(missed.contains("beside BBR: own over CUBIC's, least: not run, target ≥ 1.000"))
    #expect(missed.contains { $0.hasPrefix("rival's over what CUBIC leaves it, cells ≥ 0.5: 0.500") })
  }

  @Test("maps have a square for each link, and a dash where nothing was run")
  func maps() {
    let all = runs { CongestionCases.shared($0, own: 1.25, rival: 1) }
    let svg = study.plotSheet(all, study.plan).svg
    #expect(svg.components(separatedBy: ">1.25</text>").count - 1 == 2 * 4 * 48)
    #expect(svg.components(separatedBy: ">1.00</text>").count - 1 == 4 * 48)
    #expect(svg.contains("beside CUBIC, ours first") && svg.contains(">40 ms, 0.5 BDP</text>"))
    #expect(!svg.contains("class=\"empty\""))
    let part = study.plotSheet(Array(all.prefix(2)), study.plan).svg
    #expect(part.components(separatedBy: "class=\"empty\"").count - 1 == 3 * (4 * 48 - 1))
  }
}

@Suite("A queue over time")
struct WaitBinsTests {
  private func seconds(_ milliseconds: [Double], bytes: [Int]? = nil) -> Double? {
    WaitBins(
      nanoseconds: 250_000_000, bytes: bytes ?? milliseconds.map { _ in 1000 }, milliseconds: milliseconds
    ).secondsUntil(wait: 10, 500_000_000)
  }

  @Test("it is small again where it stays so, and not where it falls and is filled again")
  func small() {
    #expect(seconds([1, 1]) == 0)
    #expect(seconds([40, 40, 12, 8, 3, 3]) == 0.5)
    #expect(seconds([1, 1, 40, 40, 1, 1]) == 1)
    #expect(seconds([1, 1, 1, 1, 40, 40]) == nil)
    #expect(seconds([40, 40, 40]) == nil && seconds([]) == nil && seconds([1]) == nil)
  }

  @Test("one half second in ten may be long, where a host stalls")
  func stalls() {
    let calm = [Double](repeating: 1, count: 2)
    let long = [40.0, 40]
    #expect(seconds(calm + long + (0..<8).flatMap { _ in calm }) == 0)
    #expect(seconds(calm + long + (0..<7).flatMap { _ in calm }) == 1)
  }

  @Test("what was delivered counts by its bytes, and a silent link has no small queue")
  func weights() {
    #expect(seconds([40, 1], bytes: [1, 99]) == 0)
    #expect(seconds([40, 1], bytes: [99, 1]) == nil)
    #expect(seconds([0, 0, 1, 1], bytes: [0, 0, 9, 9]) == 0.5)
  }

  @Test("small is a quarter of the empty round trip, and never less than 5 ms")
  func threshold() {
    #expect([10.0, 20, 40, 100].map(RivalTrial.smallQueue) == [5, 5, 10, 25])
  }
}
