import Foundation
import Testing

@testable import MedullaTestbed

/// An experiment that measures nothing: its figure is the number of the run.
private struct CountingExperiment: Experiment {
  struct Plan: ExperimentPlan {
    var repeats = 3
    var seed: UInt64 = 1
    var wanted = 2.0
    var inner = Inner()
    struct Inner: Codable, Equatable, Sendable { var depthMm = 4 }
    static var quick: Plan { Plan(repeats: 1) }
    var runCount: Int { repeats }
    var isComplete: Bool { repeats >= 3 }
    init() {}
    init(repeats: Int) { self.repeats = repeats }
    func validate() throws { try require(repeats > 0, "No runs.", remedy: "Ask for one.") }
  }
  struct Run: ExperimentRun {
    var number: Int
    var line: String { "\(number)" }
  }
  static let facts = ExperimentFacts(name: "counting", title: "Count.", discussion: "", method: "Counting.")
  let plan: Plan
  init(_ plan: Plan, context: ExperimentContext) { self.plan = plan }
  func measure(_ take: (Run) throws -> Void) throws {
    for number in 1...plan.repeats { try take(Run(number: number)) }
  }
  static func judge(_ runs: [Run], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    ([VerdictRow("largest", runs.map { Double($0.number) }.max(), .atLeast(plan.wanted))], [])
  }
  static func plots(_ runs: [Run], _ plan: Plan) -> PlotSheet { PlotSheet([]) }
}

@Suite("What all experiments share")
struct ExperimentStructureTests {
  private let context = ExperimentContext(models: "nowhere")

  @Test("a complete experiment has a verdict, a part of it has none")
  func verdicts() throws {
    let whole = try CountingExperiment.perform(.init(), context: context) { _, _, _, _ in }
    #expect(whole.verdict.met && whole.verdict.complete && whole.runs.count == 3)
    let part = try CountingExperiment.perform(.quick, context: context) { _, _, _, _ in }
    #expect(
      !part.verdict.met && !part.verdict.complete && part.verdict.misses.isEmpty && !part.verdict.failed)
    var plan = CountingExperiment.Plan()
    plan.wanted = 9
    let missed = try CountingExperiment.perform(plan, context: context) { _, _, _, _ in }
    #expect(missed.verdict.failed && missed.verdict.misses == ["largest: 3.000, target ≥ 9.000"])
  }

  @Test("each run is told with the verdict so far, which is none before the last")
  func progress() throws {
    var heard: [Bool] = []
    _ = try CountingExperiment.perform(.init(), context: context) { done, total, run, result in
      #expect(done == run.number && total == 3 && result.summary.first?.value == Double(done))
      heard.append(result.verdict.complete)
    }
    #expect(heard == [false, false, true])
  }

  @Test("a fault makes a complete experiment miss, and a bound without a value too")
  func faults() {
    #expect(TargetVerdict([], faults: ["late"], complete: true).misses == ["late"])
    #expect(TargetVerdict([], faults: ["late"], complete: false).misses.isEmpty)
    let row = VerdictRow("share", nil, .atLeast(1))
    #expect(TargetVerdict([row], complete: true).misses == ["share: not run, target ≥ 1.000"])
  }

  @Test("a result file says its schema, and any experiment's is read by one reader")
  func schema() throws {
    let result = try CountingExperiment.perform(.init(), context: context) { _, _, _, _ in }
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("medulla-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: file) }
    let text = try JSONText.encode(result)
    try Data(text.utf8).write(to: file)
    let summary = try ResultSummary(contentsOf: file.path)
    #expect(summary.experiment == "counting" && summary.runCount == 3 && summary.verdict.met)
    #expect(summary.rows == [VerdictRow("largest", 3, .atLeast(2))])
    let other = text.replacing("\"schema\" : \(ResultSchema.version)", with: "\"schema\" : 99")
    #expect(other != text)
    try Data(other.utf8).write(to: file)
    let error = #expect(throws: TestbedError.self) { try ResultSummary(contentsOf: file.path) }
    #expect(error?.code == .unreadableReport && error?.message.contains("schema 99") == true)
  }

  @Test("verdicts and their rows survive their JSON")
  func coding() throws {
    let rows = [VerdictRow("a", 1.5, .atMost(2), places: 1), VerdictRow("b", nil, .atLeast(1))]
    let verdict = TargetVerdict(rows, complete: true)
    let again = try JSONDecoder().decode(TargetVerdict.self, from: JSONEncoder().encode(verdict))
    #expect(again == verdict)
    #expect(try JSONDecoder().decode([VerdictRow].self, from: JSONEncoder().encode(rows)) == rows)
  }

  @Test("a plan's values are set by their names, and what sets nothing is refused")
  func settings() throws {
    let plan = try CountingExperiment.Plan().replacing(["repeats=7", "wanted=1.5", "inner.depth_mm=9"])
    #expect(plan.repeats == 7 && plan.wanted == 1.5 && plan.inner.depthMm == 9)
    for setting in ["repeats", "nothing=1", "repeats=\"many\"", "inner.width=1", "=", "repeats.x=1", ""] {
      let error = #expect(throws: TestbedError.self) { try CountingExperiment.Plan().replacing([setting]) }
      #expect(error?.code == .badParameter)
    }
    let schemes = try CongestedPathPlan().replacing(["schemes=[\"bbr\",\"user-5ms\"]"]).schemes
    #expect(schemes.map(\.description) == ["BBR", "user space, 5ms"])
    #expect(throws: TestbedError.self) { try CongestedPathPlan().replacing(["schemes=[\"user-\"]"]) }
  }

  @Test(
    "every plan of the catalogue is complete, its quick form is not, and both can be run",
    arguments: [
      AnyPlan(CongestedPathPlan.self), AnyPlan(GoodputPlan.self), AnyPlan(IntervalExperiment.Plan.self),
      AnyPlan(RateOverTimePlan.self),
      AnyPlan(ConcurrencyPlan.self), AnyPlan(CommunicationExperiment.Plan.self),
      AnyPlan(SoftirqExperiment.Plan.self), AnyPlan(QuantizationLossPlan.self), AnyPlan(InterfacePlan.self),
      AnyPlan(PredictionLatencyExperiment.Plan.self), AnyPlan(FairnessExperiment.Plan.self),
      AnyPlan(VariableRateExperiment.Plan.self), AnyPlan(ManyFlowsExperiment.Plan.self),
      AnyPlan(SnapshotSwapExperiment.Plan.self), AnyPlan(CompletionTimesExperiment.Plan.self),
      AnyPlan(InteractivePlan.self), AnyPlan(ApplicationsExperiment.Plan.self), AnyPlan(MarkingPlan.self),
    ])
  func plans(_ plan: AnyPlan) throws {
    try plan.check()
  }

  @Test("names of schemes mean what they say")
  func schemes() throws {
    #expect(SteeringScheme("cubic")?.kind == .kernel && SteeringScheme("medulla")?.kind == .inKernel)
    #expect(SteeringScheme("dctcp")?.kind == .dctcp && SteeringScheme("dctcp")?.description == "DCTCP")
    #expect(SteeringScheme("user-ack")?.kind == .userSpace(interval: nil, runtime: .lean))
    #expect(
      SteeringScheme("onnx-2500us")?.kind == .userSpace(interval: .microseconds(2500), runtime: .onnx))
    for name in ["", "User", "user-", "user-soon", "user-0ms", "other-1ms", "bad name"] {
      #expect(SteeringScheme(name) == nil, "\(name)")
    }
  }

  @Test("what others still use is no leftover, and what nobody owns is")
  func leftovers() {
    let before = Leftovers(
      namespaces: [], instances: ["demo"], congestionControls: ["cubic"], disciplines: [])
    var after = before
    after.namespaces = ["medulla-12-1-client", "medulla-13-1-client"]
    after.instances.insert("fig812")
    after.congestionControls.insert("f11u13")
    after.disciplines = ["qdisc tbf 8001: dev lo root"]
    let left = after.beyond(before) { $0 == 13 }
    #expect(
      left == [
        "namespace medulla-12-1-client", "instance fig812", "queueing discipline qdisc tbf 8001: dev lo root",
      ]
    )
    #expect(after.beyond(after).isEmpty)
    #expect(Leftovers.process(in: "123") == nil && Leftovers.process(in: "tab77") == 77)
  }

  @Test("the series refuses a name that is no experiment")
  func unknownExperiment() {
    #expect(throws: TestbedError.self) { try ExperimentSeries(["fig99"], directory: ".", quick: true) }
  }
}

/// A plan's type, for a table of tests.
struct AnyPlan: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let check: @Sendable () throws -> Void

  init<Plan: ExperimentPlan>(_ type: Plan.Type) {
    testDescription = "\(type)"
    check = {
      #expect(Plan().isComplete && !Plan.quick.isComplete)
      #expect(Plan().runCount > 0 && Plan.quick.runCount > 0 && Plan.quick.runCount < Plan().runCount)
      try Plan().validate()
      try Plan.quick.validate()
      let again = try PlanSettings.apply(["seed=5"].filter { _ in Plan().hasSeed }, to: Plan())
      #expect(again == Plan() || again.seed == 5)
      var none = Plan()
      none.repeats = 0
      #expect(throws: TestbedError.self) { try none.validate() }
    }
  }
}

extension ExperimentPlan {
  /// Whether the seed is a key of the plan itself.
  fileprivate var hasSeed: Bool { (try? JSONText.encode(self).contains("\n  \"seed\"")) ?? false }
}

@Suite("The catalogue of experiments")
struct CatalogueTests {
  @Test("each experiment is listed once, in the order of the paper's figures")
  func order() {
    let names = ExperimentCatalogue.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.prefix(4) == ["fig1", "fig2", "fig3", "fig4"])
    #expect(ExperimentCatalogue.onlyAlone.isSubset(of: names))
  }
}
