import Foundation
import MedullaAdaptation
import MedullaBase
import MedullaDatapath
import MedullaPaths
import MedullaSnapshot
import TestbedLargeScale
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// What all trials of the study share: the sizes, and a network that was trained on flows whose paths were
/// drawn by chance.
struct FabricPathsRun {
  private static let tick = Duration.milliseconds(50)
  /// For flows that are under way when no more begin.
  private static let grace = Duration.seconds(20)
  /// A machine that is too busy for the workload.
  private static let mostLateMilliseconds = 10.0
  private static let explores = 16

  let plan: StudyPlan
  let sizes: FabricSizeDistribution
  private let learned: PathPredictor
  private let calibration: [[Float]]
  private let learnedSnapshot: DatapathSnapshot
  private let leastSnapshot: DatapathSnapshot

  init(_ plan: StudyPlan, _ context: StudyContext) throws {
    self.plan = plan
    let sizes = try FabricSizeDistribution(
      contentsOf: plan[FabricScheduling.sizes].isEmpty
        ? Scheduling.sharedSizes() : plan[FabricScheduling.sizes])
    self.sizes = sizes
    let spines = FabricPlan().spines
    leastSnapshot = try DatapathSnapshot(
      compiling: PathHosts.leastRoundTrip(paths: spines), name: "least rtt")
    context.narrate("Measuring the flows to learn from, on paths by chance.")
    // The second and the third show each spine slow, so that being the first says nothing.
    let explored = try zip(FabricPaths.trainingSeeds, [nil, 0, 1]).map { seed, slow in
      try Self.explore(plan, sizes, seed: seed, slow: slow, spines: spines)
    }
    // A fifth of each chooses among the starts.
    let sets = [PathSamples(joining: explored.map(\.learned)), PathSamples(joining: explored.map(\.judged))]
    context.narrate("Training on \(sets[0].inputs.count) flows.")
    var training = PathPredictor.Training()
    (training.starts, training.epochs) = (plan[FabricScheduling.starts], plan[FabricScheduling.epochs])
    learned = try PathPredictor(
      paths: spines, explored: sets, training: training, features: FabricPaths.features)
    if let error = learned.error {
      context.narrate(
        """
        On \(sets[1].costs.count) flows that it did not learn from its mean squared error is \
        \(decimal(error, 2)), of \(decimal(sets[1].variance, 2)) for their mean, in powers of two.
        """)
    }
    calibration = sets[0].inputs
    learnedSnapshot = try DatapathSnapshot(compiling: learned.file, name: "path costs")
  }

  /// Flows that have ended, as the kernel told them: what was known of the paths, which was taken, its cost.
  private static func explore(
    _ plan: StudyPlan, _ sizes: FabricSizeDistribution, seed: UInt64, slow: Int?, spines: Int
  ) throws -> (learned: PathSamples, judged: PathSamples) {
    // A network with the features that are wanted; what it says does not matter here.
    let untrained = try PathPredictor(
      paths: spines, explored: blank(spines), training: brief, features: FabricPaths.features)
    var requests = FabricPaths.requests(plan, seed: seed)
    requests.seconds = Double(plan[FabricPaths.trainingSeconds])
    let transfers = try requests.draw(sizes)
    var fabric = FabricPaths.fabric(plan, slow: slow)
    fabric.hasSegments = true
    return try Fabric.with(fabric) { fabric in
      let snapshot = try DatapathSnapshot(compiling: untrained.file, name: "untrained")
      let hosts = try PathHosts(snapshot, on: fabric, explores: 1)
      defer { hosts.detach() }
      let source = try hosts.fastPath()
      let flows = try FabricFlows(.init(transfers), over: fabric)
      defer { flows.stop() }
      var whole = try source.drain()
      try wait(requests.seconds) { _ in whole.samples += try source.drain().samples }
      _ = try flows.finish(within: grace)
      whole.samples += try source.drain().samples
      return try samples(of: whole)
    }
  }

  private static var brief: PathPredictor.Training {
    var training = PathPredictor.Training()
    (training.starts, training.epochs) = (1, 1)
    return training
  }

  private static func blank(_ spines: Int) -> [PathSamples] {
    let width = FabricPaths.features.count * spines
    let inputs = (0..<16).map { row in (0..<width).map { Float((row + $0) % 16) } }
    let set = PathSamples(
      inputs: inputs, taken: inputs.indices.map { $0 % spines }, costs: inputs.map { 8 + $0[0] / 4 })
    return [set, set]
  }

  private static func samples(of batch: Batch) throws -> (learned: PathSamples, judged: PathSamples) {
    guard batch.samples.count >= 50 else {
      throw TestbedError(
        .linkFailed, "The kernel told only \(batch.samples.count) flows to learn from.",
        remedy: "Run again on a machine with less to do, or with a longer --set training_seconds.")
    }
    let unit = Double(1 << batch.outputFractionBits)
    let inputs = batch.inputs
    func part(_ isIn: (Int) -> Bool) -> PathSamples {
      let own = inputs.indices.filter { isIn($0) && batch.samples[$0].outcomes.count > 1 }
      return PathSamples(
        inputs: own.map { inputs[$0] }, taken: own.map { Int(batch.samples[$0].outcomes[1]) },
        costs: own.map { Float(Double(batch.samples[$0].outcomes[0]) / unit) })
    }
    return (part { $0 % 5 != 0 }, part { $0 % 5 == 0 })
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
    guard let scheme = FabricPaths.Scheme(rawValue: cell[FabricPaths.schemes]),
      let condition = FabricPaths.Condition(rawValue: cell[FabricPaths.conditions])
    else { return Reading() }
    var fabric = FabricPaths.fabric(plan, slow: condition == .uneven ? 0 : nil)
    fabric.hasSegments = scheme != .ecmp
    return try Fabric.with(fabric) { fabric in
      let hosts = try attach(scheme, fabric)
      defer { hosts?.detach() }
      if condition == .silence, let hosts {
        return try DeadPath(fabric, hosts, seed: plan.seed(round: round)).measure()
      }
      return try measure(scheme, condition, fabric, hosts, round)
    }
  }

  private func measure(
    _ scheme: FabricPaths.Scheme, _ condition: FabricPaths.Condition, _ fabric: Fabric, _ hosts: PathHosts?,
    _ round: Int
  ) throws -> Reading {
    let requests = FabricPaths.requests(plan, seed: plan.seed(round: round))
    let transfers = try requests.draw(sizes)
    let runner = scheme == .adapting ? try hosts.map(slowPath) : nil
    runner?.start()
    defer { runner?.stop() }
    let meter = try ProcessorMeter()
    let flows = try FabricFlows(.init(transfers), over: fabric)
    defer { flows.stop() }
    try Self.wait(requests.seconds) { elapsed in
      guard condition == .spine else { return }
      let share = elapsed / requests.seconds
      if FabricPaths.deadShare.contains(share) { try fabric.kill(spine: 0) }
      if share > FabricPaths.deadShare.upperBound { try fabric.restore(spine: 0) }
    }
    let counts = try flows.finish(within: Self.grace)
    let shares = try meter.read()
    var reading = reading(counts, flows.completed(), transfers, condition)
    (reading[FlowMetrics.busy], reading[FlowMetrics.softirq]) = (shares.busy, shares.softirq)
    reading[FlowMetrics.dropped] = Double(try fabric.droppedPackets())
    if let hosts { try note(&reading, hosts, scheme) }
    return reading
  }

  private func attach(_ scheme: FabricPaths.Scheme, _ fabric: Fabric) throws -> PathHosts? {
    switch scheme {
    case .ecmp: nil
    case .hash: try PathHosts(leastSnapshot, on: fabric, explores: 1)
    case .leastRtt: try PathHosts(leastSnapshot, on: fabric, explores: Self.explores)
    case .kernel, .adapting: try PathHosts(learnedSnapshot, on: fabric, explores: Self.explores)
    }
  }

  /// The slow path of examples/paths, for all hosts together.
  private func slowPath(_ hosts: PathHosts) throws -> FunctionRunner {
    let learning = AdapterSettings.Supervised(
      target: 0, targetScale: 65_536, output: 1, rate: 0.01, replay: 600, steps: 200)
    let settings = FunctionSettings(
      name: hosts.names[0], function: PathSelection.name, bundle: "path costs", consistency: false,
      adapter: .supervised(learning),
      gates: GateSettings(
        stability: .init(window: 3, range: 5), necessity: .init(statistic: .mean, alpha: 0.01),
        accuracy: .init(maxError: 0.05), updateInterval: .seconds(1)),
      watch: WatchSettings(window: .seconds(2), backOff: .seconds(2)))
    return try FunctionRunner(
      settings: settings, fastPath: hosts.fastPath(),
      adapter: SupervisedAdapter(network: learned.network, settings: learning),
      start: StartNetwork(
        network: learned.network, samples: calibration, shape: learned.file.snapshot.shape),
      journal: RunnerJournal { _ in })
  }

  private func reading(
    _ counts: FlowCounts, _ done: [FabricFlows.Completion], _ transfers: [FabricTransfer],
    _ condition: FabricPaths.Condition
  ) -> Reading {
    var reading = Reading([
      FabricPaths.completed: Double(counts.completed),
      FabricPaths.unfinished: Double(transfers.count - counts.completed),
    ])
    func size(_ flow: FabricFlows.Completion) -> SizeClass {
      SizeClass.of(bytes: Int(Double(transfers[flow.transfer].bytes) * plan[FabricScheduling.scale]))
    }
    for own in SizeClass.allCases {
      let times = done.filter { size($0) == own }.map { $0.seconds * 1e3 }
      if !times.isEmpty { reading.note(Percentiles(times), own.milliseconds) }
    }
    if condition == .spine {
      reading[FabricPaths.slowest] = done.filter { flow in
        let begun = Double(transfers[flow.transfer].startNanoseconds) / 1e9 / Double(plan.seconds)
        return size(flow) == .short && FabricPaths.deadShare.contains(begun)
      }.map { $0.seconds * 1e3 }.max()
    }
    let late = Statistics.mean(done.map { $0.late * 1e3 })
    reading[FabricPaths.late] = late
    if late > Self.mostLateMilliseconds {
      reading.faults.append("flows began \(decimal(late, 1)) ms late: the machine is too busy")
    }
    if counts.skipped > 0 { reading.faults.append("\(counts.skipped) flows could not begin") }
    return reading
  }

  private func note(_ reading: inout Reading, _ hosts: PathHosts, _ scheme: FabricPaths.Scheme) throws {
    let placed = try hosts.sum(\.flows)
    reading[FabricPaths.firstSpine] = Double(placed[0]) / Double(max(placed.reduce(0, +), 1))
    reading[FabricPaths.left] = Double(try hosts.sum(\.left).reduce(0, +))
    if placed.reduce(0, +) == 0 { reading.faults.append("no flow was placed in the kernel") }
    if scheme == .adapting {
      let version = try Instance(hosts.names[0]).status().slots.first { $0.state == .active }?.version
      reading[FabricPaths.updates] = Double(version ?? 1) - 1
    }
  }
}
