import Foundation
import MedullaBase
import Testing

@testable import TestbedExperiments
@testable import TestbedLink
@testable import TestbedReport

@Suite("Every study of the catalogue")
struct CatalogueTests {
  @Test("each is listed once, in the order of the paper's figures, and has a case in the tests' table")
  func order() {
    let names = Study.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.prefix(4) == ["fig1", "fig2", "fig3", "fig4"])
    #expect(Set(StudyCases.all.map(\.study.name)) == Set(names))
    #expect(
      Study.all.filter(\.alone).map(\.name) == [
        "fig16", "fig17", "ablation", "coexistence", "hard-paths", "links", "short-transfers", "soak",
      ])
  }

  @Test("bounds are on figures that it has, and one at least is judged", arguments: StudyCases.all)
  func bounds(_ fixture: StudyFixture) {
    let study = fixture.study
    #expect(study.unboundFigures.isEmpty)
    #expect(study.bounds.contains { $0.judged })
    let rows = fixture.verdict(fixture.good).rows
    let free = rows.filter { $0.bound == nil }.map(\.name)
    #expect(Set(free).count == free.count)
    #expect(Set(free).isDisjoint(with: rows.filter { $0.bound != nil }.map(\.name)))
    for bound in study.bounds {
      let own = rows.filter { $0.bound == bound.comparison && $0.judged == bound.judged }
      #expect(own.contains { $0.source == bound.source.text }, "\(bound.figure)")
    }
  }

  @Test("a good variant meets its judged bounds, and only as a whole", arguments: StudyCases.all)
  func good(_ fixture: StudyFixture) {
    let verdict = fixture.verdict(fixture.good)
    #expect(verdict.met, "\(verdict.misses)")
    let part = fixture.verdict(fixture.good, complete: false)
    #expect(!part.met && !part.failed && part.misses.isEmpty)
    #expect(part.summary.hasSuffix("no verdict."))
  }

  @Test("a useless variant does not pass, and no runs at all do not", arguments: StudyCases.all)
  func useless(_ fixture: StudyFixture) {
    #expect(fixture.verdict(fixture.useless).failed)
    #expect(fixture.study.judge([], fixture.study.plan, complete: true).failed)
    for (name, other) in fixture.others { #expect(fixture.verdict(other).failed, "\(name)") }
  }

  @Test("a bound that is judged by its interval has one in the whole study", arguments: StudyCases.all)
  func intervals(_ fixture: StudyFixture) {
    let rows = fixture.verdict(fixture.good).rows.filter { $0.bound != nil && $0.judgedBy == .interval }
    for row in rows { #expect(row.interval != nil, "\(row.name)") }
    #expect(rows.isEmpty == !fixture.study.bounds.contains { $0.judgedBy == .interval })
  }

  @Test("one round of a good variant is no verdict where intervals are judged", arguments: StudyCases.all)
  func singleRound(_ fixture: StudyFixture) {
    let study = fixture.study
    guard study.bounds.contains(where: { $0.judged && $0.judgedBy == .interval }) else { return }
    let runs = StudyFixture.runs(study, study.plan, fixture.good).filter { $0.round == 0 }
    let verdict = study.judge(runs, study.plan, complete: true)
    #expect(verdict.failed && verdict.misses.contains { $0.contains("(no interval)") })
  }

  @Test("each judged bound that is out of reach is missed by its name", arguments: StudyCases.all)
  func missed(_ fixture: StudyFixture) throws {
    for (index, bound) in fixture.study.bounds.enumerated() {
      var bounds = fixture.study.bounds
      bounds[index] = bound.unreachable
      let verdict = fixture.verdict(fixture.good, of: fixture.study.bounded(by: bounds))
      let rows = verdict.rows.filter { $0.bound == bound.unreachable.comparison }
      #expect(!rows.isEmpty && rows.allSatisfy { $0.isMissed }, "\(bound.figure)")
      #expect(verdict.failed == bound.judged, "\(bound.figure)")
      #expect(verdict.summary.contains("MISSED"))
      if bound.judged {
        for row in rows { #expect(verdict.misses.contains { $0.hasPrefix(row.name) }, "\(row.name)") }
      }
    }
  }

  @Test("its plan is whole and its quick one is not; both can be run, and draw", arguments: StudyCases.all)
  func plans(_ fixture: StudyFixture) throws {
    let study = fixture.study
    try study.validate(study.plan)
    try study.validate(study.quickPlan)
    #expect(study.isComplete(study.plan) && !study.isComplete(study.quickPlan))
    #expect(
      study.runCount(study.quickPlan) > 0 && study.runCount(study.quickPlan) <= study.runCount(study.plan))
    for (plan, runs) in [
      (study.plan, StudyFixture.runs(study, study.plan, fixture.good)),
      (study.quickPlan, StudyFixture.runs(study, study.quickPlan, fixture.good)), (study.plan, []),
    ] {
      let svg = study.plotSheet(runs, plan).svg
      #expect(svg.hasPrefix("<svg") && !svg.contains("nan"))
    }
  }

  @Test("what its plan may not be is refused with its name", arguments: StudyCases.all)
  func refusals(_ fixture: StudyFixture) throws {
    let study = fixture.study
    for key in study.keys {
      if case .text = key.standardValue { continue }
      var plan = study.plan
      plan[key.name] = .number(-7)
      let error = #expect(throws: TestbedError.self, "\(key.name)") { try study.validate(plan) }
      #expect(error?.code == .badParameter && error?.message.contains("`\(key.name)`") == true)
    }
    #expect(throws: TestbedError.self) { try study.replacing(["nothing=1"], in: study.plan) }
  }

  @Test("every bound of a study that is named after a figure and comes from the paper is told with its place")
  func sources() {
    for study in Study.all {
      for bound in study.bounds {
        guard case .paper(let place) = bound.source else { continue }
        #expect(study.paper?.place.contains(place) == true, "\(study.name): \(bound.figure)")
      }
    }
    #expect(Study.boundTable.rows.count == Study.all.reduce(0) { $0 + $1.bounds.count })
  }

  @Test("the page of bounds has every bound as it is declared, and no other")
  func page() throws {
    let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../../docs/results/bounds.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let table = try #require(text.components(separatedBy: "## Every bound").last)
    let written = table.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2).map(String.init)
    let declared = Study.boundTable.rows.map { "| " + $0.joined(separator: " | ") + " |" }
    for line in declared where !written.contains(line) { Issue.record("not on the page: \(line)") }
    for line in written where !declared.contains(line) { Issue.record("not declared: \(line)") }
    #expect(written.count == declared.count)
  }
}

@Suite("What all studies share")
struct StudyMachineTests {
  private static let number = Metric("number", "number")
  private static let sizes = Axis("sizes", "size", [1, 2, 3], in: 1...9, suffix: " boxes", "How many.")
  private static let depth = Setting("depth_mm", 4, .atLeast, in: 1...99)

  /// A study that measures nothing: a run's number is its size.
  private static func counting(
    _ least: Double = 2,
    trial: @escaping @Sendable (StudyCell, Int) throws -> Reading = { cell, _ in
      Reading([number: Double(cell[sizes])])
    }
  ) -> Study {
    Study(
      "counting", "Count.", discussion: "", method: "Counting.", keys: [sizes, depth, Common.repeats],
      quick: { $0[sizes] = [1] }, cells: { [StudyCell].one.times(sizes, $0) },
      course: .trials(.shuffled) { _, _ in trial }, metrics: [number],
      figures: [.most("largest", number, places: 3)],
      bounds: [
        Bound("largest", .atLeast(least), .ours, explanation: "Boxes are small."),
        Bound("largest", .atLeast(100), .paper("§9"), judged: false),
      ], plots: [.bars("Numbers", number)])
  }
  private let context = StudyContext(models: "nowhere")

  @Test("each run is told with the verdict so far, which is none before the last")
  func progress() throws {
    var heard: [Bool] = []
    let study = Self.counting()
    let result = try study.perform(study.plan, context: context) { done, total, _, result in
      #expect(done == heard.count + 1 && total == 9)
      heard.append(result.verdict.complete)
    }
    #expect(heard == [Bool](repeating: false, count: 8) + [true])
    #expect(result.verdict.met && result.runs.count == 9)
  }

  @Test("rounds have every cell once, in an order that the seed draws")
  func turns() {
    let study = Self.counting()
    let turns = study.turns(study.plan, .shuffled)
    for round in 0..<3 {
      #expect(Set(turns.filter { $0.round == round }.map(\.cell)) == Set(study.cells(study.plan)))
    }
    var other = study.plan
    other[Common.seed] = 77
    let orders = (study.turns(other, .shuffled) + turns).map { "\($0.cell.title)" }
    #expect(Array(orders.prefix(9)) != Array(orders.suffix(9)))
    #expect(study.turns(study.plan, .asListed).map { $0.cell[Self.sizes] } == [1, 2, 3, 1, 2, 3, 1, 2, 3])
  }

  @Test(
    "a spoilt trial is made once more, and the second counts",
    arguments: [([false], 1), ([true, false], 2), ([true, true], 2)])
  func steadied(late: [Bool], attempts: Int) throws {
    var count = 0
    let run = try Study.steadied(StudyCell().with(Self.sizes, 2), 0) { _, _ in
      defer { count += 1 }
      return Reading([Self.number: Double(count)], faults: late[count] ? [Reading.late] : [])
    }
    #expect(count == attempts && run.attempts == attempts && run[Self.number] == Double(attempts - 1))
    #expect(run.faults == (late[attempts - 1] ? ["2 boxes: the emulator fell behind"] : []))
    #expect(run.line([Self.number]).contains("second attempt") == (attempts == 2))
  }

  @Test("a fault makes a whole study miss, and a bound without a value too")
  func faults() throws {
    let study = Self.counting { cell, _ in Reading([Self.number: Double(cell[Self.sizes])], faults: ["late"])
    }
    let result = try study.perform(study.plan, context: context)
    #expect(result.verdict.misses.count == 9 && result.verdict.misses.contains("1 boxes: late"))
    let row = VerdictRow("share", nil, .atLeast(1))
    #expect(Verdict([row], complete: true).misses == ["share: not run, target ≥ 1.000"])
  }

  @Test("no summary says that all is met while a row is missed, judged or not")
  func closing() throws {
    let study = Self.counting()
    let met = try study.perform(study.plan, context: context).verdict
    #expect(met.met && met.summary.hasSuffix("Of 1 judged bounds 0 missed, of 1 that are not judged 1."))
    let missed = try Self.counting(9).perform(study.plan, context: context).verdict
    #expect(missed.failed && missed.misses == ["largest: 3.000, target ≥ 9.000"])
    #expect(missed.summary.hasSuffix("Of 1 judged bounds 1 missed, of 1 that are not judged 1."))
    for verdict in [met, missed] { #expect(!verdict.summary.lowercased().contains("all targets")) }
  }

  @Test("a result file says its schema, any study's is read by one reader, and the report explains a miss")
  func files() throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "medulla-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let fixture = try #require(StudyCases.all.first { $0.study.name == "fig11" })
    let verdict = fixture.verdict(fixture.useless)
    let rows = verdict.rows
    let study = Self.counting(9)
    let text = try JSONText.encode(try study.perform(study.plan, context: context))
    let file = directory.appendingPathComponent("counting.json")
    try Data(text.utf8).write(to: file)
    let summary = try ResultSummary(contentsOf: file.path)
    #expect(summary.experiment == "counting" && summary.runCount == 9 && !summary.verdict.met)
    let largest = try #require(summary.rows.first { $0.name == "largest" && $0.judged })
    #expect(largest.explanation == "Boxes are small." && largest.source == "ours" && largest.isMissed)
    #expect(try JSONDecoder().decode([VerdictRow].self, from: JSONEncoder().encode(rows)) == rows)

    try Data(text.replacing("counting", with: "fig11").utf8)
      .write(to: directory.appendingPathComponent("fig11.json"))
    let report = try SeriesReport(directory: directory.path, account: nil).document.markdown
    #expect(report.contains("Why (largest): Boxes are small.") && report.contains("| missed |"))
    #expect(report.contains("missed, not judged") && !report.contains("All targets met"))

    let other = text.replacing("\"schema\" : \(ResultSchema.version)", with: "\"schema\" : 99")
    try Data(other.utf8).write(to: file)
    let error = #expect(throws: TestbedError.self) { try ResultSummary(contentsOf: file.path) }
    #expect(error?.code == .unreadableReport && error?.message.contains("schema 99") == true)
  }

  @Test("a plan's values are set by their names, as JSON or as words, and what sets nothing is refused")
  func settings() throws {
    let study = Self.counting()
    let plan = try study.replacing(
      ["sizes=2,5", "depth_mm=9", "repeats=[7]".replacing("[7]", with: "7")], in: study.plan)
    #expect(plan[Self.sizes] == [2, 5] && plan[Self.depth] == 9 && plan.repeats == 7)
    #expect(try study.replacing(["sizes=[4]"], in: study.plan)[Self.sizes] == [4])
    #expect(try study.replacing(["sizes=4"], in: study.plan)[Self.sizes] == [4])
    for setting in [
      "repeats", "nothing=1", "repeats=\"many\"", "sizes=[]", "=", "sizes=0", "sizes=2,2", "depth_mm=many",
    ] {
      let error = #expect(throws: TestbedError.self, "\(setting)") {
        try study.replacing([setting], in: study.plan)
      }
      #expect(error?.code == .badParameter)
    }
    let schemes = try CongestedPath.fig11.replacing(
      ["schemes=[\"bbr\",\"user-5ms\"]"], in: CongestedPath.fig11.plan)
    #expect(schemes[Common.schemes].map(\.description) == ["BBR", "user space, 5ms"])
    #expect(throws: TestbedError.self) {
      try CongestedPath.fig11.replacing(["schemes=user-"], in: CongestedPath.fig11.plan)
    }
  }

  @Test("options of a command line are the plan's keys, with some shorthands")
  func options() throws {
    let links = try StudyOptions.settings(
      ["--rates", "12,48", "--alone", "--seconds=6", "--warm-up", "2", "--congestion", "cubic"],
      of: Links.study)
    #expect(links == ["rates=12,48", "baselines=[]", "seconds=6", "warm_up=2", "congestion=cubic"])
    let plan = try Links.study.replacing(links, in: Links.study.plan)
    #expect(
      plan[Links.baselines].isEmpty && plan[Links.rates] == [12, 48] && plan[Links.congestion] == "cubic")
    #expect(try StudyOptions.settings(["--duration", "30m"], of: Soak.study) == ["duration_seconds=1800"])
    #expect(try StudyOptions.settings(["--minutes=2"], of: Soak.study) == ["duration_seconds=120"])
    #expect(try StudyOptions.settings(["--duration", "300s"], of: Soak.study) == ["duration_seconds=300"])
    for words in [["--nothing", "1"], ["rates"], ["--rates"], ["--duration", "1m"]] {
      #expect(throws: TestbedError.self, "\(words)") { try StudyOptions.settings(words, of: Links.study) }
    }
    #expect(throws: (any Error).self) { try StudyOptions.settings(["--duration", "soon"], of: Soak.study) }
    #expect(StudyOptions.help(Links.study).contains("--rates"))
  }

  @Test("a ratio's interval is that of the rounds' own ratios")
  func intervals() throws {
    let runs = (0..<3).flatMap { round in
      Common.schemes.standard.enumerated().map { index, scheme in
        StudyRun(
          StudyCell().with(Common.schemes, scheme), round: round,
          Reading([Self.number: Double(round + 1) * (index == 0 ? 2 : 1)]))
      }
    }
    let seen = StudyRuns(runs: runs, plan: Self.counting().plan, cells: [])
    let ratio = try #require(
      seen.ratio(Self.number, [Common.schemes("medulla")], over: [Common.schemes("cubic")]))
    #expect(ratio.value == 2 && ratio.half == 0)
    let difference = seen.difference(
      Self.number, [Common.schemes("medulla")], less: [Common.schemes("cubic")])
    // 1, 2 and 3: t = 4.303, s = 1, n = 3.
    #expect(difference?.value == 2 && abs((difference?.half ?? 0) - 4.302652729749 / 3.0.squareRoot()) < 1e-9)
    #expect(seen.ratio(Self.number, [Common.schemes("bbr")], over: [Common.schemes("cubic")]) == nil)
  }

  @Test("what is judged by its interval has to meet the bound at the end that is farther from it")
  func unfavourableEnds() {
    func row(_ value: Double?, _ half: Double?, _ bound: Bound.Comparison) -> VerdictRow {
      VerdictRow("share", value, bound, interval: half, by: .interval)
    }
    #expect(row(1, 0.04, .atLeast(0.95)).holds == true && row(1, 0.06, .atLeast(0.95)).holds == false)
    #expect(row(1, 0.04, .atMost(1.05)).holds == true && row(1, 0.06, .atMost(1.05)).holds == false)
    #expect(VerdictRow("share", 1, .atLeast(0.95), interval: 0.06).holds == true)
    let single = row(1, nil, .atLeast(0.95))
    #expect(single.holds == false && single.shown == "1.000 (no interval)")
    let missed = Verdict([single, row(nil, nil, .atMost(1))], complete: true)
    #expect(
      missed.misses == [
        "share: 1.000 (no interval), target ≥ 0.950 by the interval",
        "share: not run, target ≤ 1.000 by the interval",
      ])
    #expect(missed.summary.contains("MISSED"))
  }

  @Test("rows say in JSON what is judged, and rows of before are read as judged by their values")
  func judgementInFiles() throws {
    let row = VerdictRow("share", 1, .atLeast(0.95), interval: 0.01, by: .interval)
    let text = String(decoding: try JSONEncoder().encode(row), as: UTF8.self)
    #expect(text.contains("\"judgedBy\":\"interval\""))
    let old = Data(#"{"name":"share","value":1,"places":3,"atLeast":0.9,"judged":true}"#.utf8)
    #expect(try JSONDecoder().decode(VerdictRow.self, from: old).judgedBy == .value)
  }

  /// Two cells whose values lie around 2 by so much.
  private static func noisy(_ rounds: Int, by spread: Double, leaving: Int? = nil) -> StudyRuns {
    let runs = (0..<rounds).flatMap { round in
      [1, 2].compactMap { size -> StudyRun? in
        guard size == 1 || round != leaving else { return nil }
        let value = 2 + (((round + size) % 2 == 0) ? spread : -spread)
        return StudyRun(StudyCell().with(sizes, size), round: round, Reading([number: value]))
      }
    }
    return StudyRuns(runs: runs, plan: counting().plan, cells: [])
  }

  @Test("equality has to be shown: little noise passes, much noise and one round do not")
  func equivalence() throws {
    let claim = Equivalence(
      "boxes", Self.number, [Self.sizes(1)], [Self.sizes(2)], within: .part(0.05))
    #expect(claim.name == "boxes differ by 5% or more, p")
    func probability(_ runs: StudyRuns) -> Double? { claim.figure.value(runs)?.value }
    #expect(try #require(probability(Self.noisy(10, by: 0.01))) < 0.01)
    #expect(try #require(probability(Self.noisy(10, by: 0.2))) > 0.05)
    #expect(try #require(probability(Self.noisy(2, by: 0.2))) > 0.05)
    #expect(probability(Self.noisy(1, by: 0)) == nil)
    // A round that has one of the two leaves no pairs: both groups are compared as they are.
    #expect(try #require(probability(Self.noisy(10, by: 0.01, leaving: 3))) < 0.01)
    let units = Equivalence("boxes", Self.number, [Self.sizes(1)], [Self.sizes(2)], within: .units(0.1))
    #expect(units.name == "boxes differ by 0.1 or more, p")
    #expect(try #require(units.figure.value(Self.noisy(10, by: 0.01))?.value) < 0.01)
    let study = Self.counting().bounded(by: [claim.bound()])
    #expect(study.unboundFigures == [claim.name])
  }

  @Test("the series refuses a name that is no experiment")
  func unknownExperiment() {
    #expect(throws: TestbedError.self) { try ExperimentSeries(["fig99"], directory: ".", quick: true) }
  }

  @Test("a study whose programs are missing is refused before anything is measured, with how to get them")
  func missingProgram() {
    let lacking = Study(
      "lacking", "", discussion: "", method: "", keys: [], quick: { _ in },
      programs: ["no-such-program", "sh"],
      course: .trials(.asListed) { _, _ in { _, _ in Reading([:]) } }, metrics: [], bounds: [], plots: [])
    let refused = #expect(throws: TestbedError.self) {
      try lacking.perform(lacking.plan, context: StudyContext(models: "nowhere"))
    }
    #expect(refused?.code == .missingProgram && refused?.message == "lacking needs no-such-program.")
    #expect(refused?.remedy.contains("make testbed") == true)
  }
}
