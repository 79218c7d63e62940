import Foundation
import MedullaSnapshot
import TestbedBaselines
import TestbedLargeScale
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// Completion times in a fabric whose senders choose paths, by how they choose, where they predict and how
/// long that takes: the study `fig17`.
enum Balancing {
  static let fabrics = Axis(
    "fabrics", "fabric", BalancingFabric.allCases.map(\.rawValue),
    "even: all spines alike; uneven: the last one's links have half the rate.")
  static let schemes = Axis(
    "schemes", "scheme", BalancingScheme.all.map(\.name), "How senders choose a flow's path.")
  // The paper's: 2×2 leaf-spine, 8 servers (§5.3). It leaves open rates, load and how many flows: here all
  // workloads together have two thirds of the 4,000 of §5.2, since a thousand cost 12 s of a processor.
  static let flows = Setting("flows", 300, .atLeast, in: 1...100_000, "Flows of a workload.")
  static let hosts = Setting("hosts", 8, in: 2...256)
  static let load = Setting(
    "load", 0.3, in: 0.01...1, "Of the hosts' links: two times as much of the spines', where they are alike.")
  static let otherLoad = Setting("other_load", 0.1, in: 0.01...1, "Under which the other network learns.")
  static let fabricGbps = Setting("fabric_gbps", 10.0, in: 0.1...400, "Each leaf's link to each spine.")
  static let flowletMicroseconds = Setting(
    "flowlet_microseconds", 100, in: 1...1_000_000, "Silence after which a flow may ask again.")
  static let trainingSeeds = Axis(
    "training_seeds", "training_seed", [101, 102, 103], in: 0...9e15, "Workloads that only training sees.")
  static let starts = Setting("training_starts", 3, .atLeast, in: 1...64, "Random starts of the training.")
  static let tunings = Setting(
    "tunings", 2, .atLeast, in: 0...16, "Times a network is tuned on flows that it placed itself.")
  static let exploredPercent = Setting(
    "explored_percent", 20, in: 0...100, "Of the flows of a tuning, those that take a path by chance.")
  static let repeats = Common.repeats.with(9)
  static let atOnce = Setting("at_once", 2, .anything, in: 1...256, "Simulations at a time.")

  static let moves = Metric("moves", "changes of path", places: 0)
  static let firstSpine = Metric("first_spine", "share of the first spine's flows")
  static let predictionError = Metric("prediction_error_bits", "costs: error (bits)")
  static let meanError = Metric("mean_error_bits", "costs: error of the mean (bits)")

  static func workload(_ plan: StudyPlan, seed: UInt64) -> FabricWorkload {
    var workload = FabricWorkload()
    (workload.flows, workload.hosts, workload.load) = (plan[flows], plan[hosts], plan[load])
    (workload.seed, workload.crossedLeaves) = (seed, plan[Scheduling.leaves])
    return workload
  }

  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    [StudyCell].one.times(fabrics, plan).times(schemes, plan).filter { cell in
      BalancingFabric(rawValue: cell[fabrics])?.schemes.contains { $0.name == cell[schemes] } ?? true
    }
  }

  static func check(_ plan: StudyPlan) throws {
    try workload(plan, seed: plan.seed).validate()
    let known = Set(BalancingScheme.all.map(\.name))
    try Study.require(
      plan[schemes].allSatisfy(known.contains), "A scheme of the plan is not known.",
      remedy: "Use \(BalancingScheme.all.map(\.name).joined(separator: ", ")).")
    try Study.require(
      plan[fabrics].allSatisfy { BalancingFabric(rawValue: $0) != nil }, "A fabric of the plan is not known.",
      remedy: "Use \(BalancingFabric.allCases.map(\.rawValue).joined(separator: ", ")).")
    try Study.require(
      plan[flows] * plan[schemes].count * plan.repeats <= 10_000_000, "The plan's runs are out of range.",
      remedy: "Use fewer flows or repeats.")
    let seeds = Set((0..<plan.repeats).map { plan.seed(round: $0) })
    try Study.require(
      Set(plan[trainingSeeds].map { UInt64(clamping: $0) }).isDisjoint(with: seeds)
        && plan[trainingSeeds].count >= 2,
      "The network would be trained on what is simulated, or by one workload.",
      remedy: "Use other seeds for one of the two, and two or more to train on.")
    try Study.require(
      plan[Scheduling.leaves] >= 2 && plan[Scheduling.bufferBytes] >= plan[Scheduling.packetBytes]
        && plan[Scheduling.hostBufferBytes] >= plan[Scheduling.packetBytes],
      "The plan's fabric is out of range.",
      remedy: "Use two or more leaves, and buffers for a packet at least.")
  }

  /// What one scheme did with one workload.
  static func reading(_ output: PathProgram.Output, checked done: (checked: Int, wrong: Int)) -> Reading {
    let own = output.flows
    let answers = own.compactMap { $0.answeredNs.map { Double($0) / 1000 } }
    var reading = Reading([
      Scheduling.unfinished: Double(own.filter { $0.fctNs == nil }.count),
      Scheduling.answered: answers.isEmpty ? nil : Statistics.mean(answers),
      Scheduling.questions: Double(output.totals.asked), Scheduling.refused: Double(output.totals.refused),
      Scheduling.wait: output.totals.waitMeanNs / 1000,
      Scheduling.checked: Double(done.checked), Scheduling.wrong: Double(done.wrong),
      FlowMetrics.dropped: Double(output.totals.dropped), moves: Double(own.reduce(0) { $0 + $1.moves }),
      firstSpine: Double(own.filter { $0.path == 0 }.count) / Double(max(1, own.count)),
    ])
    for size in SizeClass.allCases {
      let times = own.filter { SizeClass.of(bytes: $0.bytes) == size }
        .compactMap { $0.fctNs.map { Double($0) / 1000 } }
      if !times.isEmpty { reading.note(Percentiles(times), size.microseconds) }
    }
    return reading
  }

  /// How well costs are predicted on flows whose path was drawn by chance, beside their mean's error.
  static func noteErrors(_ output: PathProgram.Output, _ snapshot: Snapshot, _ reading: inout Reading) {
    let unit = Double(1 << snapshot.shape.outputFractionBits)
    let pairs = output.flows.compactMap { flow -> (said: Double, true: Double)? in
      guard let cost = flow.cost, let first = flow.first, first.outputs.indices.contains(flow.path) else {
        return nil
      }
      return (Double(first.outputs[flow.path]) / unit, cost)
    }
    guard !pairs.isEmpty else { return }
    let mean = Statistics.mean(pairs.map(\.true))
    func root(_ errors: [Double]) -> Double { Statistics.mean(errors.map { $0 * $0 }).squareRoot() }
    reading[predictionError] = root(pairs.map { $0.said - $0.true })
    reading[meanError] = root(pairs.map { $0.true - mean })
  }

  static func prepare(_ plan: StudyPlan, _ context: StudyContext) throws -> Study.Trial {
    let ns3 = try NS3Installation.find()
    let sources = plan[Scheduling.scenario].isEmpty ? try FabricProgram.sources() : plan[Scheduling.scenario]
    let sizes = try Scheduling.sizeDistribution(plan)
    let scratch = try ScratchDirectory("fig17")
    context.narrate("Compiling the scenario with ns-3 \(ns3.version).")
    let common = URL(fileURLWithPath: scratch.path("common"))
    let lab = BalancingLaboratory(
      plan: plan, sizes: sizes, times: try AnswerTimes(fig15: plan[Scheduling.latencies]),
      build: ScenarioBuild(sources: sources, common: common), scratch: scratch)
    context.narrate("Exploring, training and tuning; the workloads are those of training alone.")
    let programs = try lab.programs()
    let all = cells(plan)
    var kept: (round: Int, readings: [StudyCell: Reading])?
    return { cell, round in
      if let kept, kept.round == round, let reading = kept.readings[cell] { return reading }
      let readings = try self.readings(of: all, round: round, lab, programs)
      kept = (round, readings)
      return readings[cell] ?? Reading()
    }
  }

  /// All cells of a round, so that several can be simulated at a time.
  private static func readings(
    of cells: [StudyCell], round: Int, _ lab: BalancingLaboratory,
    _ programs: BalancingLaboratory.Programs
  ) throws -> [StudyCell: Reading] {
    let flows = try workload(lab.plan, seed: lab.plan.seed(round: round)).draw(lab.sizes)
    let settings = cells.compactMap { cell -> (BalancingScheme, BalancingFabric)? in
      guard let scheme = BalancingScheme.all.first(where: { $0.name == cell[schemes] }),
        let fabric = BalancingFabric(rawValue: cell[fabrics])
      else { return nil }
      return (scheme, fabric)
    }
    let runs = settings.map { scheme, fabric in
      let program = programs.program(scheme, fabric)
      let bits = program.snapshot.shape.outputFractionBits
      return PathProgram.Simulation(
        program, flows, scheme.timed(by: lab.times).options(lab.plan, fabric: fabric, fractionBits: bits))
    }
    let outputs = try PathProgram.run(runs, atOnce: lab.plan[atOnce])
    var readings: [StudyCell: Reading] = [:]
    for (index, output) in outputs.enumerated() {
      let snapshot = runs[index].program.snapshot
      var reading = reading(output, checked: PathProgram.mismatches(output, snapshot))
      if settings[index].0.source == .predicted { reading.notes = [lab.times.text] }
      if settings[index].0 == .ecmp { noteErrors(output, snapshot, &reading) }
      readings[cells[index]] = reading
    }
    return readings
  }
}
