import Foundation
import MedullaBase
import MedullaDatapath
import MedullaFlows
import MedullaLearning
import MedullaModel
import MedullaSnapshot
import TestbedBaselines
import TestbedCaptures
import TestbedLink
import TestbedMeasures

/// The rounds of `caravan-packets`: a link of its own for each, and the daemon beside it.
struct PacketCourse {
  private typealias Own = CaravanPackets

  /// Of each flow, at most, so that nDPI has seen enough.
  private static let packetsPerFlow = 20
  private static let epochs = (first: 100, large: 60)
  /// After the last packet, until labels and trainings are through.
  private static let settling = Duration.seconds(5)
  private static let startPatience = Duration.seconds(6)

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
    // The process of nDPI reads its map by a user of its bench.
    chmod(scratch.path("."), 0o755)
    let first = stream.rows(of: PacketClasses.phases[0])
    let all = stream.rows(of: Set(PacketClasses.all.indices))
    let every = (0..<all.words.count).filter { $0 % 2 == 0 }
    let large = try train(
      every.map { all.words[$0] }, every.map { all.labels[$0] }, hidden: [128, 64], Self.epochs.large, seed)
    let start = try train(first.words, first.labels, hidden: [32, 16], Self.epochs.first, seed)
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
    let (scratch, device) = (bench.scratch, bench.link.receiver)
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
    settings.watch = ["window: 300ms"]
    settings.environment = ["PYTHONPATH": python]
    return try SlowPath(
      name: bench.link.name, bundle: bench.bundle.path, settings: settings, executable: executable,
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

  /// Packets of decided flows a second, while new flows come.
  func rate(round: Int) throws -> Reading {
    let seed = plan.seed(round: round)
    let bench = try prepared("caravan-rate-\(getpid())-\(round)", seed: seed)
    defer { bench.link.remove() }
    let daemon = try daemon(bench, policy: "every_window")
    defer { daemon.stop() }
    let known = try stream.write([0], to: bench.scratch.path("known.pcap"), turn: 100, seed: seed)
    var (rates, turn) = ([Bool: [Double]](), 0)
    for number in 0..<plan[Own.slices] * 2 {
      // Frozen, learning, learning, frozen, and so on.
      let isLearning = [1, 2].contains(number % 4)
      try daemon.start()
      try waitForInstance(daemon)
      if !isLearning {
        daemon.stop()
        try Instance(daemon.name).setSampling(every: 0)
      } else {
        try Instance(daemon.name).setSampling(every: 1)
        try Interruption.sleep(Self.startPatience)
      }
      turn += 1
      // All captures, so that it lasts.
      let fresh = try stream.write(
        Set(PacketClasses.all.indices), to: bench.scratch.path("fresh.pcap"), turn: turn,
        seed: seed &+ UInt64(turn))
      let rate = try bench.link.rate(
        known.path, beside: fresh.path, pace: plan[Own.pace], milliseconds: plan[Own.sliceMs])
      rates[isLearning, default: []].append(rate)
      if isLearning {
        try daemon.requireAlive()
        daemon.stop()
      }
    }
    let (frozen, learning) = (median(rates[false]), median(rates[true]))
    var reading = Reading([
      Own.frozenRate: frozen / 1e3, Own.rate: learning / 1e3, Own.rateRatio: learning / frozen,
    ])
    reading.series["frozen_pps"] = rates[false] ?? []
    reading.series["learning_pps"] = rates[true] ?? []
    return reading
  }

  /// The daemon serves before it has attached.
  private func waitForInstance(_ daemon: SlowPath) throws {
    let deadline = ContinuousClock.now + Self.startPatience
    while (try? Instance(daemon.name).status()) == nil, ContinuousClock.now < deadline {
      try daemon.requireAlive()
      try Interruption.sleep(.milliseconds(20))
    }
  }

  private func median(_ values: [Double]?) -> Double { Statistics.quantile(values ?? [], 0.5) }
}
