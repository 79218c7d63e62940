import Foundation
import MedullaBase
import MedullaClassification
import MedullaDatapath
import MedullaFlows
import MedullaLearning
import MedullaModel
import MedullaSnapshot
import TestbedBaselines
import TestbedCaptures
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// The rounds of `caravan-packets`: a link of its own for each, and the daemon beside it.
struct PacketCourse {
  private typealias Own = CaravanPackets

  /// Of each flow, at most, so that nDPI has seen enough.
  private static let packetsPerFlow = 20
  private static let epochs = (first: 100, large: 60)
  /// After the last packet, until labels and trainings are through.
  private static let settling = Duration.seconds(5)
  private static let startPatience = Duration.seconds(6)
  /// After which senders begin anew: how fast one is depends on where its memory lies.
  private static let pairsOfFlood = 2

  private let plan: StudyPlan
  private let context: StudyContext
  private let stream: CaptureStream
  private let executable: String
  /// The directory of the package `medulla`, and an interpreter that has ONNX Runtime.
  private let python: String
  private let interpreter: String

  init(_ plan: StudyPlan, _ context: StudyContext) throws {
    guard geteuid() == 0 else {
      throw TestbedError(
        .missingPrivilege, "Classifiers and namespaces need root.", remedy: "Run the command with sudo.")
    }
    (self.plan, self.context) = (plan, context)
    executable = SlowPath.resolve(context.executable)
    let labeler = try ProjectFile.directory(
      "python", holding: "medulla/labeler/__init__.py", remedy: "keep it beside the program")
    python = URL(fileURLWithPath: labeler).standardizedFileURL.path
    let found = PythonInterpreter.path(beside: python)
    // Unlike a resolved path it stays that of the environment.
    interpreter = found.contains("/") ? URL(fileURLWithPath: found).standardizedFileURL.path : found
    stream = try CaptureStream(
      CaptureFolder(plan[Own.captures]), classes: PacketClasses.all, packets: Self.packetsPerFlow,
      inputs: FlowInputs(PacketClasses.features), at: .packet(UInt64(plan[Own.packets])))
    context.narrate(
      "left out, without Ethernet or a flow of these classes: \(stream.leftOut.count) captures")
  }

  /// What a round works with.
  private struct Bench {
    let scratch: ScratchDirectory
    let bundle: SnapshotBundle
    let large: DenseNetwork
    let link: PacketLink
  }

  private func prepared(_ name: String, seed: UInt64) throws -> Bench {
    let scratch = try ScratchDirectory(name)
    // The process of nDPI reads its map by a user of its own.
    chmod(scratch.path("."), 0o755)
    let first = stream.rows(of: PacketClasses.phases[0])
    let all = stream.rows(of: Set(PacketClasses.all.indices))
    let every = (0..<all.words.count).filter { $0 % 2 == 0 }
    let large = try train(
      every.map { all.words[$0] }, every.map { all.labels[$0] }, hidden: [128, 64], Self.epochs.large, seed)
    let start = try train(first.words, first.labels, hidden: [64, 32], Self.epochs.first, seed)
    try ONNXWriter.write(large.network(name: "large"), to: scratch.path("large.onnx"))
    try ONNXWriter.write(start.network(name: "first"), to: scratch.path("first.onnx"))
    try SampleFile.write(all.words.map(ApplicationNetwork.values), to: scratch.path("inputs.npy"))
    try write(PacketClasses.features.map { "\($0)" }, to: scratch.path("features.txt"))
    try write(PacketClasses.all.map(\.name), to: scratch.path("labels.txt"))
    try write([PacketClasses.map], to: scratch.path("ndpi.json"))
    for each in PacketClasses.ports { try write(each.ports, to: scratch.path("\(each.name).txt")) }
    let bundle = scratch.path("first.medulla")
    try ChildProcess.run(
      [
        SiblingProgram.path("medulla", beside: executable), "compile", scratch.path("first.onnx"),
        "--calibration", scratch.path("inputs.npy"), "--features", scratch.path("features.txt"), "--labels",
        scratch.path("labels.txt"), "-o", bundle,
      ], within: .seconds(120))
    return Bench(
      scratch: scratch, bundle: try SnapshotBundle.open(bundle), large: large, link: try PacketLink())
  }

  private func train(
    _ words: [[Int64]], _ labels: [Int], hidden: [Int], _ epochs: Int, _ seed: UInt64
  ) throws -> DenseNetwork {
    try ApplicationNetwork.train(
      words, labels, widths: [PacketClasses.features.count] + hidden + [PacketClasses.all.count],
      epochs: epochs, seed: seed)
  }

  private func write(_ lines: [String], to path: String) throws {
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
  }

  private func daemon(_ bench: Bench, policy: String) throws -> SlowPath {
    let (scratch, device) = (bench.scratch, PacketLink.Wire.learning.receiver)
    let lists = PacketClasses.ports.map { "\"ports:\(scratch.path($0.name + ".txt"))=\($0.name)@0.6\"" }
    var settings = SlowPath.Settings()
    settings.kind = "classifier"
    settings.interval = "50ms"
    settings.keys = [
      "hook: \"xdp:\(device)\"", "packets: \"\(plan[Own.packets])\"", "margin: \(plan[Own.margin])",
      "decisions: 1000000",
    ]
    settings.adapter = [
      "kind: labels", "policy: \(policy)", "window: \(plan[Own.window])", "memory: \(plan[Own.memory])",
      "patience: 1s", "cascade: large", "agents:",
      "  - { kind: ndpi, interface: \(device), map: \"\(scratch.path("ndpi.json"))\", patience: 500ms, "
        + "user: nobody }",
      "  - { kind: lists, lists: [\(lists.joined(separator: ", "))] }",
      "  - { kind: python, name: large, class: \"medulla.labeler:OnnxLabeler\", "
        + "python: \"\(interpreter)\", isolation: none, "
        + "options: { model: \"\(scratch.path("large.onnx"))\", confidence: 0 } }",
    ]
    settings.gates = ["update_interval: 100ms"]
    settings.watch = ["window: 300ms", "back_off: 1s", "back_off_limit: 10s"]
    settings.environment = ["PYTHONPATH": python]
    return try SlowPath(
      name: bench.link.name(at: .learning), bundle: bench.bundle.path, settings: settings,
      executable: executable,
      log: context.directory.map { "\($0)/caravan-packets-daemon.log" }, in: bench.link.namespace)
  }

  /// The whole stream, once.
  func stream(round: Int) throws -> Reading {
    let seed = plan.seed(round: round)
    let bench = try prepared("caravan-packets-\(getpid())-\(round)", seed: seed)
    defer { bench.link.remove() }
    let daemon = try daemon(bench, policy: "triggered")
    defer { daemon.stop() }
    try daemon.start()
    try Interruption.sleep(Self.startPatience)
    var truth: [FlowKey: Int] = [:]
    for (number, labels) in PacketClasses.phases.enumerated() {
      let phase = try stream.write(
        labels, to: bench.scratch.path("phase.pcap"), turn: number + 1, seed: seed &+ UInt64(number))
      truth.merge(phase.truth) { $1 }
      context.narrate(
        "round \(round + 1), phase \(number + 1): \(phase.frames) packets of \(phase.truth.count) flows")
      try bench.link.send(phase.path, pace: plan[Own.pace])
      try daemon.requireAlive()
    }
    try Interruption.sleep(Self.settling)
    daemon.stop()
    return try PacketScores(state: daemon.statePath, function: daemon.name).reading(
      truth: truth, frozen: bench.bundle.snapshot, large: bench.large, margin: plan[Own.margin])
  }

  /// Packets of decided flows a second: at a classifier that learns, and in turn at one that is frozen.
  func rate(round: Int) throws -> Reading {
    let seed = plan.seed(round: round)
    let bench = try prepared("caravan-rate-\(getpid())-\(round)", seed: seed)
    defer { bench.link.remove() }
    try attachFrozen(bench)
    let daemon = try daemon(bench, policy: "every_window")
    defer { daemon.stop() }
    try daemon.start()
    try Interruption.sleep(Self.startPatience)
    let known = try stream.write([0], to: bench.scratch.path("known.pcap"), turn: 100, seed: seed)
    var floods: [Flood] = []
    defer { for flood in floods { flood.end() } }
    var (ratios, rates, turn) = ([Double](), [[Double]](repeating: [], count: 2), 0)
    var fresh: ChildProcess?
    defer { fresh?.end(patience: .seconds(1)) }
    for number in 0..<plan[Own.slices] {
      if !(fresh?.isRunning ?? false) {
        turn += 1
        let path = try stream.write(
          Set(PacketClasses.all.indices), to: bench.scratch.path("fresh.pcap"), turn: turn,
          seed: seed &+ UInt64(turn)
        ).path
        fresh = try bench.link.start(path, pace: plan[Own.pace])
      }
      if number % Self.pairsOfFlood == 0 {
        for flood in floods { flood.end() }
        floods = try [.frozen, .learning].map { try bench.link.flood($0, known.path) }
      }
      var pair = [0.0, 0.0]
      for place in number % 2 == 0 ? [0, 1] : [1, 0] {
        pair[place] = try floods[place].turn(milliseconds: plan[Own.sliceMs])
      }
      // The new flows come at the same device, by another sender.
      pair[1] -= Double(plan[Own.pace])
      for place in pair.indices { rates[place].append(pair[place]) }
      ratios.append(pair[1] / pair[0])
      try daemon.requireAlive()
    }
    var reading = Reading([
      Own.frozenRate: median(rates[0]) / 1e3, Own.rate: median(rates[1]) / 1e3,
      Own.rateRatio: median(ratios),
    ])
    (reading.series["frozen_pps"], reading.series["learning_pps"]) = (rates[0], rates[1])
    daemon.stop()
    reading[Own.rateRetrains] = try PacketScores(state: daemon.statePath, function: daemon.name).trainings()
    return reading
  }

  /// The same network with the same settings, of which no samples are taken.
  private func attachFrozen(_ bench: Bench) throws {
    var settings = ClassifierSettings()
    (settings.moment, settings.margin) = (.packet(UInt64(plan[Own.packets])), plan[Own.margin])
    try bench.link.add(.frozen)
    try NamespaceSocket.within(bench.link.namespace) {
      let hook = try FunctionHook("xdp:\(PacketLink.Wire.frozen.receiver)")
      _ = try Instance(bench.link.name(at: .frozen)).attach(
        Classifier(at: hook, settings), DatapathSnapshot(bench.bundle))
    }
  }

  private func median(_ values: [Double]) -> Double { Statistics.quantile(values, 0.5) }
}
