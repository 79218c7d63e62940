import Foundation
import MedullaAdaptation
import MedullaBase
import MedullaDatapath
import MedullaScheduling
import MedullaSnapshot
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// What all trials of the study share: the sizes, and a network that was trained on flows which the kernel
/// itself told.
struct FabricSchedulingRun {
  private static let tick = Duration.milliseconds(50)
  /// For flows that are under way when no more begin.
  private static let grace = Duration.seconds(20)
  /// A machine that is too busy for the workload.
  private static let mostLateMilliseconds = 10.0

  let plan: StudyPlan
  let sizes: FabricSizeDistribution
  private let learned: SizeNetwork
  private let learnedSnapshot: DatapathSnapshot
  private let smallSnapshot: DatapathSnapshot

  init(_ plan: StudyPlan, _ context: StudyContext) throws {
    self.plan = plan
    sizes = try FabricSizeDistribution(
      contentsOf: plan[FabricScheduling.sizes].isEmpty
        ? Scheduling.sharedSizes() : plan[FabricScheduling.sizes])
    let small = try SizeNetwork(always: 0)
    smallSnapshot = try DatapathSnapshot(compiling: small.file, name: "small")
    context.narrate("Measuring the flows to learn from.")
    let samples = try Self.collect(plan, sizes, smallSnapshot)
    context.narrate("Training on \(samples.samples.count) flows, acknowledgements' included.")
    learned = try SizeNetwork(
      learning: samples, starts: plan[FabricScheduling.starts], epochs: plan[FabricScheduling.epochs])
    learnedSnapshot = try DatapathSnapshot(compiling: learned.file, name: "flow size")
  }

  /// Flows that have ended, of the training's workloads, as the kernel tells them.
  private static func collect(
    _ plan: StudyPlan, _ sizes: FabricSizeDistribution, _ snapshot: DatapathSnapshot
  ) throws -> Batch {
    var whole = Batch()
    for seed in FabricScheduling.trainingSeeds {
      var requests = FabricScheduling.requests(plan, .steady, seed: seed)
      requests.seconds = Double(plan[FabricScheduling.trainingSeconds])
      let transfers = try requests.draw(sizes)
      try Fabric.with(FabricScheduling.fabric(plan, .bytesSent)) { fabric in
        let hosts = try ScheduledHosts(snapshot, on: fabric, limits: FabricScheduling.limits(plan))
        defer { hosts.detach() }
        let source = try hosts.fastPath()
        let flows = try FabricFlows(.init(transfers), over: fabric)
        defer { flows.stop() }
        func drain() throws {
          let batch = try source.drain()
          (whole.featureFractionBits, whole.outputFractionBits) =
            (batch.featureFractionBits, batch.outputFractionBits)
          whole.samples += batch.samples
        }
        try wait(requests.seconds) { _ in try drain() }
        _ = try flows.finish(within: grace)
        try drain()
      }
    }
    guard whole.samples.count >= 100 else {
      throw TestbedError(
        .linkFailed, "The kernel told only \(whole.samples.count) flows to learn from.",
        remedy: "Run again on a machine with less to do, or with a longer --training-seconds.")
    }
    return whole
  }

  /// Lets seconds go by, and is called with those that have.
  private static func wait(_ seconds: Double, _ look: (Double) throws -> Void) throws {
    let begin = ContinuousClock.now
    while true {
      let elapsed = (ContinuousClock.now - begin) / .seconds(1)
      try look(elapsed)
      guard elapsed < seconds else { return }
      try Interruption.sleep(tick)
    }
  }

  func measure(_ cell: StudyCell, round: Int) throws -> Reading {
    guard let scheme = FabricScheduling.Scheme(rawValue: cell[FabricScheduling.schemes]),
      let event = FabricScheduling.Event(rawValue: cell[FabricScheduling.events])
    else { return Reading() }
    let requests = FabricScheduling.requests(plan, event, seed: plan.seed(round: round))
    let transfers = try requests.draw(sizes)
    return try Fabric.with(FabricScheduling.fabric(plan, scheme)) { fabric in
      let hosts = try attach(scheme, fabric)
      defer { hosts?.detach() }
      let runner = scheme == .adapting ? try hosts.map(slowPath) : nil
      runner?.start()
      defer { runner?.stop() }
      let server = scheme == .userSpace ? try SizeServer(learned.file) : nil
      defer { server?.stop() }
      let meter = try ProcessorMeter()
      let flows = try FabricFlows(traffic(transfers, scheme, server), over: fabric)
      defer { flows.stop() }
      try Self.wait(requests.seconds) { elapsed in
        guard event == .spine else { return }
        let share = elapsed / requests.seconds
        if FabricScheduling.deadShare.contains(share) { try fabric.kill(spine: 0) }
        if share > FabricScheduling.deadShare.upperBound { try fabric.restore(spine: 0) }
      }
      let counts = try flows.finish(within: Self.grace)
      let shares = try meter.read()
      let from = event == .drift ? requests.seconds * FabricScheduling.judgedShare : 0
      var reading = reading(counts, flows.completed(), transfers, from: from)
      (reading[FlowMetrics.busy], reading[FlowMetrics.softirq]) = (shares.busy, shares.softirq)
      reading[FlowMetrics.dropped] = Double(try fabric.droppedPackets())
      try note(&reading, hosts, server, scheme)
      return reading
    }
  }

  private func attach(_ scheme: FabricScheduling.Scheme, _ fabric: Fabric) throws -> ScheduledHosts? {
    guard scheme.isInKernel else { return nil }
    return try ScheduledHosts(
      scheme == .bytesSent ? smallSnapshot : learnedSnapshot, on: fabric,
      limits: FabricScheduling.limits(plan))
  }

  private func traffic(
    _ transfers: [FabricTransfer], _ scheme: FabricScheduling.Scheme, _ server: SizeServer?
  ) -> FabricFlows.Plan {
    var traffic = FabricFlows.Plan(transfers)
    let (marks, limits) = (FabricScheduling.marks, FabricScheduling.limits(plan))
    func mark(ofBytes bytes: Int) -> UInt8 { marks[limits.filter { bytes > $0 }.count] }
    if scheme == .trueSize { traffic.marking = .given(transfers.map { mark(ofBytes: $0.frameBytes) }) }
    if let server {
      let bits = learned.file.snapshot.shape.outputFractionBits
      let logarithms = SchedulingSettings.logarithms(
        of: limits.map { UInt64($0) }, fractionBits: bits)
      traffic.marking = .asked { known in
        let size = server.size(known) ?? Int64.max
        return marks[logarithms.filter { size > $0 }.count]
      }
    }
    // The kernel's own marks are of both directions' flows.
    if scheme == .trueSize || scheme == .userSpace { traffic.answerMark = marks[0] }
    return traffic
  }

  /// The slow path of examples/scheduling, for all hosts together; it replays the last three seconds of
  /// flows.
  private func slowPath(_ hosts: ScheduledHosts) throws -> FunctionRunner {
    let learning = AdapterSettings.Supervised(
      target: 0, targetScale: 65_536, rate: 0.01, replay: 240, steps: 200)
    let settings = FunctionSettings(
      name: hosts.names[0], function: FlowScheduling.name, bundle: "flow size", consistency: false,
      adapter: .supervised(learning),
      gates: GateSettings(
        stability: .init(window: 3, range: 5), necessity: .init(statistic: .mean, alpha: 0.01),
        accuracy: .init(maxError: 0.05), updateInterval: .seconds(1)),
      watch: WatchSettings(window: .seconds(2), backOff: .seconds(2)))
    return try FunctionRunner(
      settings: settings, fastPath: hosts.fastPath(),
      adapter: SupervisedAdapter(network: learned.network, settings: learning),
      start: StartNetwork(
        network: learned.network, samples: learned.calibration, shape: learned.file.snapshot.shape),
      journal: RunnerJournal { _ in })
  }

  private func reading(
    _ counts: FlowCounts, _ done: [FabricFlows.Completion], _ transfers: [FabricTransfer], from: Double
  ) -> Reading {
    var reading = Reading([
      FabricScheduling.completed: Double(counts.completed),
      FabricScheduling.unfinished: Double(transfers.count - counts.completed),
    ])
    for size in SizeClass.allCases {
      let own = done.filter { completion in
        let transfer = transfers[completion.transfer]
        return Double(transfer.startNanoseconds) / 1e9 >= from
          && SizeClass.of(bytes: Int(Double(transfer.bytes) * plan[FabricScheduling.scale])) == size
      }
      if !own.isEmpty { reading.note(Percentiles(own.map { $0.seconds * 1e3 }), size.milliseconds) }
    }
    let late = Statistics.mean(done.map { $0.late * 1e3 })
    reading[FabricScheduling.late] = late
    if late > Self.mostLateMilliseconds {
      reading.faults.append("flows began \(decimal(late, 1)) ms late: the machine is too busy")
    }
    if counts.skipped > 0 { reading.faults.append("\(counts.skipped) flows could not begin") }
    return reading
  }

  private func note(
    _ reading: inout Reading, _ hosts: ScheduledHosts?, _ server: SizeServer?,
    _ scheme: FabricScheduling.Scheme
  ) throws {
    if let hosts {
      let counts = try hosts.counts()
      reading[FabricScheduling.rightBand] = Double(counts.right) / Double(max(counts.ended, 1))
      if counts.ended == 0 { reading.faults.append("no flow ended in the kernel's sight") }
      if scheme == .adapting {
        let version = try Instance(hosts.names[0]).status().slots.first { $0.state == .active }?.version
        reading[FabricScheduling.updates] = Double(version ?? 1) - 1
      }
    }
    if let server { reading[FabricScheduling.answer] = Statistics.mean(server.microseconds) }
  }
}
