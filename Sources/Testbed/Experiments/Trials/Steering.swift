import Foundation
import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import MedullaSnapshot
import TestbedBaselines
import TestbedLink
import TestbedMeasures

/// One scheme, ready to steer flows; made once, started and stopped for each run.
package final class Steering {
  /// What inference did between `beginWindow` and `stop`.
  package struct Counts: Codable, Equatable, Sendable {
    /// Times that a network was asked.
    package var inferences: Int
    /// The user process's reports, those without room, and its share of one processor.
    package var reports: Int?
    package var droppedReports: Int?
    package var processorShare: Double?
    /// From a report to its answer.
    package var meanMicroseconds: Double?
  }

  package let scheme: SteeringScheme
  /// As sockets select it.
  package let congestion: String
  private let snapshot: Snapshot
  private let userSpace: UserSpaceInference?
  private let dctcpProgram: DCTCP.Program?
  private var dctcp: DCTCP?
  /// What DCTCP's flows did between `beginWindow` and `stop`; nil for other schemes, and before.
  package private(set) var dctcpStatistics: DCTCP.Statistics?
  private var instance: ExperimentInstance?
  private var inferencesBefore = 0
  private let settings: InstanceSettings

  /// From this interval on reports bring features of the whole interval, and the controller acts at reports
  /// only, as CCP's algorithms do; below, features are of about a round trip, as in the kernel.
  private static let longInterval = Duration.milliseconds(10)

  /// Compiles what the scheme needs; nothing is attached.
  ///
  /// - Parameters:
  ///   - prefix: a few letters; the process's number follows.
  ///   - processor: where a user process is kept.
  ///   - roundTrips: features are of round trips at any interval, and only the inference is in user space.
  package init(
    _ scheme: SteeringScheme, prefix: String, network: SteeringNetwork, processor: Int? = nil,
    roundTrips: Bool = false, settings: InstanceSettings = .init()
  ) throws {
    self.scheme = scheme
    self.settings = settings
    if let absence = scheme.absence() { throw absence }
    snapshot = scheme.kind == .dummy ? try network.dummy() : network.snapshot
    dctcpProgram = scheme.kind == .dctcp ? try DCTCP.Program() : nil
    switch scheme.kind {
    case .kernel:
      try CongestionControls.require(scheme.name)
      congestion = scheme.name
      userSpace = nil
    case .dctcp:
      congestion = try InstanceName("\(prefix)d\(getpid())").congestion
      userSpace = nil
    case .kernelDCTCP:
      congestion = SteeringScheme.kernelDCTCP
      userSpace = nil
    case .inKernel, .dummy:
      congestion = try InstanceName("\(prefix)\(getpid())").congestion
      userSpace = nil
    case .userSpace(let reports, let runtime):
      let (reporting, isLong) = Self.reporting(reports)
      let long = !roundTrips && isLong
      let engine: UserSpaceConfiguration.Engine =
        runtime == .lean ? .native : .onnxRuntime(python: network.python, model: network.model)
      let inference = try UserSpaceInference(
        name: "\(prefix)u\(getpid())", snapshot: snapshot,
        configuration: UserSpaceConfiguration(
          reporting: reporting, engine: engine,
          measuring: long ? .reports : .roundTrips, processor: processor))
      try inference.requireEngine()
      userSpace = inference
      congestion = inference.congestion
    }
  }

  /// As the baseline calls it, and whether features are of the whole interval then.
  private static func reporting(
    _ reports: SteeringScheme.Reports
  ) -> (UserSpaceConfiguration.Reporting, isLong: Bool) {
    switch reports {
    case .everyAcknowledgement: (.everyAcknowledgement, false)
    case .everyDecision: (.everyDecision, false)
    case .every(let interval): (.every(interval), interval >= longInterval)
    }
  }

  deinit { stop() }

  /// Attaches what the scheme needs.
  package func start(prefix: String) throws {
    switch scheme.kind {
    case .kernel, .kernelDCTCP: break
    case .dctcp:
      guard let dctcpProgram else { return }
      dctcp = try DCTCP(name: congestion, program: dctcpProgram)
      dctcpStatistics = nil
    case .inKernel, .dummy:
      instance = try ExperimentInstance(
        prefix, snapshot: DatapathSnapshot(compiling: SnapshotFile(snapshot), name: "network"),
        settings: settings)
    case .userSpace: try userSpace?.start()
    }
  }

  /// Readies the two ends of a link, before the first flow: DCTCP needs ECN, and a receiver that echoes each
  /// mark; a flow without would be Reno.
  package func prepare(_ link: LinkEmulator) throws {
    for end in [link.client, link.server] {
      try dctcp?.prepare(end)
      if scheme.kind == .kernelDCTCP {
        try end.set(["net.ipv4.tcp_ecn=1", "net.ipv4.tcp_congestion_control=\(congestion)"])
      }
    }
  }

  /// What the slots of the network in the kernel have together.
  struct SlotSums {
    /// Flows that it holds, its inferences, those put off, and ACKs without memory for their flow.
    var held = 0
    var inferences = 0
    var contended = 0
    var stateless = 0
  }

  /// Of the network in the kernel, while it is attached; nil for other schemes.
  func slots() throws -> SlotSums? {
    try instance?.status().slots.reduce(into: SlotSums()) { sums, slot in
      sums.held += Int(clamping: slot.flows)
      sums.inferences += Int(clamping: slot.inferences)
      sums.contended += Int(clamping: slot.contended)
      sums.stateless += Int(clamping: slot.stateless)
    }
  }

  /// Makes new flows take another snapshot of the same shape. Only for the network in the kernel.
  package func update(_ snapshot: DatapathSnapshot) throws {
    guard let instance else {
      throw TestbedError(
        .badParameter, "\(scheme) has no snapshot to replace.", remedy: "Use the scheme `medulla`.")
    }
    try instance.update(snapshot)
  }

  /// Counts from now on.
  package func beginWindow() throws {
    try userSpace?.beginWindow()
    try dctcp?.beginWindow()
    inferencesBefore = try inferences()
  }

  private func inferences() throws -> Int {
    try slots()?.inferences ?? 0
  }

  /// Takes everything away; safe to call twice.
  @discardableResult
  package func stop() -> Counts? {
    if let userSpace {
      guard let said = try? userSpace.stop() else { return nil }
      return Counts(
        inferences: said.agent.answers, reports: said.reports, droppedReports: said.droppedReports,
        processorShare: said.agent.processorShare, meanMicroseconds: said.agent.meanNanoseconds / 1e3)
    }
    if let dctcp {
      dctcpStatistics = try? dctcp.statistics()
      dctcp.detach()
      self.dctcp = nil
    }
    guard let instance else { return nil }
    let asked = ((try? inferences()) ?? inferencesBefore) - inferencesBefore
    instance.detach()
    self.instance = nil
    return Counts(inferences: asked)
  }
}

/// The network that every scheme of an experiment runs, in each of its forms.
package struct SteeringNetwork: Sendable {
  package var snapshot: Snapshot
  /// The same network for ONNX Runtime, and an interpreter that has it.
  package var model: String
  package var python: String
  private let models: String
  private let name: ShippedNetwork.Name

  /// A shipped network.
  package init(_ name: ShippedNetwork.Name = .aurora, models: String) throws {
    (self.name, self.models) = (name, models)
    snapshot = try ShippedNetwork(name, directory: models).first
    model = "\(models)/\(name.model)"
    python = PythonInterpreter.path(beside: models)
  }

  /// The largest action that the controller takes by its own settings.
  private static let largestAction: Float = 10

  /// A network of the same layers, inferred as the shipped one is, whose answer is always the largest action.
  func dummy() throws -> Snapshot {
    let (shipped, samples) = try ShippedNetwork.read(models, name)
    return try SnapshotFamily(shipped, samples: samples)
      .snapshot(shipped.scalingOutput(by: 0, shiftedBy: Self.largestAction))
  }
}

/// The interpreter that baselines in Python run in.
enum PythonInterpreter {
  /// What MEDULLA_PYTHON names, the project's own, or the system's.
  ///
  /// - Parameter folder: one of the project's, where another working directory may be meant.
  static func path(beside folder: String = ".") -> String {
    if let named = ProcessInfo.processInfo.environment["MEDULLA_PYTHON"] { return named }
    let own = [".venv/bin/python3", "\(folder)/../.venv/bin/python3"]
    return own.first { FileManager.default.isExecutableFile(atPath: $0) } ?? "python3"
  }
}
