import Foundation
import MedullaSnapshot
import TestbedBaselines
import TestbedLargeScale
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// Completion times in a fabric whose senders predict flow sizes, by where they predict and how long that
/// takes: the study `fig16`.
enum Scheduling {
  static let schemes = Axis(
    "schemes", "scheme", SchedulingScheme.all.map(\.name), "How senders come by their packets' priorities.")
  // The paper's: 2×2 leaf-spine, 32 servers, about 4,000 flows (§5.2).
  static let flows = Setting("flows", 4_000, .atLeast, in: 1...100_000, "Flows of a workload.")
  static let hosts = Setting("hosts", 32, .atLeast, in: 2...256)
  static let load = Setting("load", 0.5, in: 0.01...1, "Of the hosts' links.")
  static let leaves = Setting("leaves", 2, in: 1...16)
  static let spines = Setting("spines", 2, in: 1...7)
  static let fabricGbps = Setting("fabric_gbps", 40.0, in: 0.1...400, "Each leaf's link to each spine.")
  static let linkMicroseconds = Setting(
    "link_microseconds", 2.0, in: 0...1000, "Propagation and switching of a link, one way.")
  static let packetBytes = Setting(
    "packet_bytes", 9_000, .anything, in: 576...9_000,
    "Of a full packet. Hosts hand units larger than 1,500 to their output hooks anyway.")
  static let markBytes = Setting(
    "mark_bytes", 97_500, in: 1...1_073_741_824, "DCTCP's for 10 Gb/s: 65 packets of 1,500 bytes.")
  static let bufferBytes = Setting(
    "buffer_bytes", 1_000_000, in: 576...1_073_741_824, "Shared by all bands of a switch's port.")
  static let hostBufferBytes = Setting(
    "host_buffer_bytes", 9_000_000, in: 576...1_073_741_824, "A thousand packets, as Linux has.")
  static let serverQueue = Setting(
    "server_queue", 1_024, in: 1...1_048_576, "Questions that may wait at a host's server.")
  static let patience = Setting("patience_milliseconds", 2_000, in: 1...100_000)
  static let trainingSeeds = Axis(
    "training_seeds", "training_seed", [101, 102, 103, 104, 105], in: 0...9e15,
    "Workloads that only training sees.")
  static let starts = Setting("training_starts", 4, .atLeast, in: 1...64, "Random starts of the training.")
  static let sizes = Setting(
    "sizes", "", .anything, "The file of flow sizes; empty: the web-search workload's beside the project.")
  static let latencies = Setting(
    "latencies", "", .anything,
    "The result file of fig15 whose medians are the answer times; empty: stated ones.")
  static let scenario = Setting("scenario", "", .anything, "The scenario's sources; empty: the project's.")

  static let unfinished = Metric("unfinished", "flows unfinished", places: 0)
  static let unanswered = Metric("unanswered", "flows that ended without an answer", places: 0)
  static let rightBand = Metric("right_band", "flows in the right band at the end")
  static let latency = Metric("latency_us", "answer time that the simulator is told", "µs", places: 2)
  static let answered = Metric("answered_us", "question to answer", "µs", places: 1)
  static let questions = Metric("questions", "questions", places: 0)
  static let refused = Metric("questions_refused", "questions refused", places: 0)
  static let wait = Metric("wait_us", "wait for an answer", "µs", places: 1)
  static let checked = Metric("inferences_checked", "inferences checked", places: 0)
  static let wrong = Metric("inferences_wrong", "of them not the interpreter's bits", places: 0)
  static let sizesRight = Metric("sizes_right_band", "sizes: right band")
  static let sizesNear = Metric("sizes_within_one_band", "sizes: within one band")
  static let sizesPrevious = Metric("sizes_previous", "sizes: right band of the previous flow's")
  static let sizesFrequent = Metric("sizes_frequent", "sizes: right band of the most frequent")
  static let sizesError = Metric("sizes_error_bits", "sizes: error (bits)")

  static func workload(_ plan: StudyPlan, round: Int) -> FabricWorkload {
    var workload = FabricWorkload()
    (workload.flows, workload.hosts, workload.load) = (plan[flows], plan[hosts], plan[load])
    workload.seed = plan.seed(round: round)
    return workload
  }

  /// Applications before they changed: as many of each kind, but who sends much now sent little. A network
  /// that learned from them, and from nothing since, is what the paper has without adaptation.
  static func earlier(_ plan: StudyPlan) -> FabricWorkload {
    var workload = workload(plan, round: 0)
    for index in workload.kinds.indices { workload.kinds[index].preference.negate() }
    return workload
  }

  private static func training(_ plan: StudyPlan) -> FlowSizePredictor.Training {
    var training = FlowSizePredictor.Training()
    training.seeds = plan[trainingSeeds].map { UInt64(clamping: $0) }
    training.starts = plan[starts]
    return training
  }

  static func check(_ plan: StudyPlan) throws {
    try workload(plan, round: 0).validate()
    let known = Set(SchedulingScheme.all.map(\.name))
    try Study.require(
      plan[schemes].allSatisfy(known.contains), "A scheme of the plan is not known.",
      remedy: "Use \(SchedulingScheme.all.map(\.name).joined(separator: ", ")).")
    try Study.require(
      plan[flows] * plan[schemes].count * plan.repeats <= 10_000_000, "The plan's runs are out of range.",
      remedy: "Use fewer flows or repeats.")
    let seeds = Set((0..<plan.repeats).map { plan.seed(round: $0) })
    try Study.require(
      Set(training(plan).seeds).isDisjoint(with: seeds),
      "The predictor would be trained on what is simulated.",
      remedy: "Use other seeds for one of the two.")
    try Study.require(
      plan[hosts] % plan[leaves] == 0 && plan[bufferBytes] >= plan[packetBytes]
        && plan[hostBufferBytes] >= plan[packetBytes],
      "The plan's fabric is out of range.",
      remedy: "Use equal numbers of hosts on the leaves, and buffers for a packet at least.")
  }

  /// What one scheme did with one workload.
  static func reading(
    _ output: FabricProgram.Output, checked done: (checked: Int, wrong: Int), accuracy: FlowSizeAccuracy
  ) -> Reading {
    let own = output.flows
    let answers = own.compactMap { $0.answeredNs.map { Double($0) / 1000 } }
    var reading = Reading([
      unfinished: Double(own.filter { $0.fctNs == nil }.count),
      unanswered: Double(own.filter { $0.questions > 0 && $0.answeredNs == nil }.count),
      rightBand: Double(own.filter { $0.band == $0.trueBand }.count) / Double(max(1, own.count)),
      answered: answers.isEmpty ? nil : Statistics.mean(answers), questions: Double(output.totals.asked),
      refused: Double(output.totals.refused), wait: output.totals.waitMeanNs / 1000,
      checked: Double(done.checked), wrong: Double(done.wrong),
      FlowMetrics.dropped: Double(output.totals.dropped), sizesRight: accuracy.rightBand,
      sizesNear: accuracy.withinOneBand, sizesPrevious: accuracy.rightBandOfPrevious,
      sizesFrequent: accuracy.rightBandOfMostFrequent, sizesError: accuracy.errorBits,
    ])
    for size in SizeClass.allCases {
      let times = own.filter { SizeClass.of(bytes: $0.bytes) == size }
        .compactMap { $0.fctNs.map { Double($0) / 1000 } }
      if !times.isEmpty { reading.note(Percentiles(times), size.microseconds) }
    }
    return reading
  }

  static func prepare(_ plan: StudyPlan, _ context: StudyContext) throws -> Study.Trial {
    let ns3 = try NS3Installation.find()
    let sources = plan[scenario].isEmpty ? try FabricProgram.sources() : plan[scenario]
    let sizes = try sizeDistribution(plan)
    let times = try AnswerTimes(fig15: plan[latencies])
    let scratch = try ScratchDirectory("fig16")
    func compiled(_ workload: FabricWorkload, _ name: String) throws -> Predicting {
      let predictor = try FlowSizePredictor(like: workload, sizes: sizes, training: training(plan))
      context.narrate(
        "Compiling the scenario with ns-3 \(ns3.version), snapshot \(predictor.file.digest.prefix(12))."
      )
      return Predicting(
        program: try FabricProgram(
          sources: sources, snapshot: predictor.file, directory: URL(fileURLWithPath: scratch.path(name))),
        snapshot: predictor.file.snapshot)
    }
    let current = try compiled(workload(plan, round: 0), "scenario")
    let needsFrozen = SchedulingScheme.all.contains { $0.isFrozen && plan[schemes].contains($0.name) }
    let frozen = needsFrozen ? try compiled(earlier(plan), "frozen") : current
    return { cell, round in
      try withExtendedLifetime(scratch) {
        guard let scheme = SchedulingScheme.all.first(where: { $0.name == cell[schemes] }) else {
          return Reading()
        }
        let drawn = try workload(plan, round: round).draw(sizes)
        return try (scheme.isFrozen ? frozen : current).run(scheme, drawn, plan, times)
      }
    }
  }

  /// The scenario with one network.
  private struct Predicting {
    let program: FabricProgram
    let snapshot: Snapshot

    func run(
      _ scheme: SchedulingScheme, _ drawn: [FabricFlow], _ plan: StudyPlan, _ times: AnswerTimes
    ) throws -> Reading {
      let (interpreter, bands) = (ReferenceInterpreter(snapshot), FlowBands())
      let timed = scheme.timed(by: times)
      let output = try program.run(
        drawn, features: FlowSizeFeatures.atStart(of: drawn).map(interpreter.fixedPoint), bands: bands,
        options: timed.options(plan, bands, fractionBits: snapshot.shape.outputFractionBits))
      var reading = reading(
        output, checked: FabricProgram.mismatches(output, snapshot),
        accuracy: FlowSizeAccuracy(snapshot, on: drawn, bands: bands))
      if scheme.source == .predicted {
        reading[latency] = Double(timed.latencyNanoseconds) / 1000
        reading.notes = [times.text]
      }
      return reading
    }
  }

  static func sizeDistribution(_ plan: StudyPlan) throws -> FabricSizeDistribution {
    try FabricSizeDistribution(contentsOf: plan[sizes].isEmpty ? sharedSizes() : plan[sizes])
  }

  /// The web-search workload, which is not the project's to distribute: beside the project.
  static func sharedSizes() throws -> String {
    let name = "websearch.json"
    let folder = try ProjectFile.directory(
      "../shared/data/flows", holding: name, remedy: "say where it is by --sizes PATH")
    return "\(folder)/\(name)"
  }
}
