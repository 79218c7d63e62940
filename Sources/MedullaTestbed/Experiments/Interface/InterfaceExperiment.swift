import Foundation
import MedullaDatapath
import MedullaLearning
import MedullaSnapshot

/// The experiment `table1`: each call of the paper's interface, exercised through its counterpart.
public struct InterfaceExperiment: Experiment {
  public static let facts = ExperimentFacts(
    name: "table1", title: "Exercise what stands for each call of the paper's interface.",
    discussion: """
      Attaches a congestion control under a name of its own, gives it another snapshot, asks it a thousand \
      inputs and takes it away. Needs root and takes seconds.
      """,
    method: """
      Each call is made through the library that the commands use, and what it must have caused is read back \
      from the kernel: TCP's list of congestion controls, the digest of the active slot, the outputs that a \
      test run of the attached programs gives against the reference interpreter.
      """,
    paper: PaperFigure(
      "Table 1, §4.2",
      "lf_register_model registers a new snapshot; lf_register_io and lf_unregister_io add and remove an "
        + "input and output module, with a check of the sizes; lf_query_model is the one interface for "
        + "inference."))

  private let plan: InterfacePlan
  private let first: Snapshot
  private let second: Snapshot
  private let inputs: [[Int64]]

  public init(_ plan: InterfacePlan, context: ExperimentContext) throws {
    self.plan = plan
    let network = try ShippedNetwork(directory: context.models)
    (first, second) = (network.first, network.second)
    var generator = SplitMix64(seed: plan.seed)
    let unit = Double(sign: .plus, exponent: first.shape.featureFractionBits, significand: 1)
    let width = first.shape.inputs
    inputs = (0..<plan.queries).map { _ in
      (0..<width).map { _ in Int64((generator.unit() * 4 - 2) * unit) }
    }
  }

  public func measure(_ take: (InterfaceRun) throws -> Void) throws {
    for repetition in 0..<plan.repeats {
      let name = "tab\(getpid())"
      defer { try? CongestionControl.detach(name: name) }
      var congestion = ""
      try take(
        timed(.registerIO, repetition) {
          let snapshot = try DatapathSnapshot(SnapshotFile(first), name: "first")
          congestion = try CongestionControl.attach(name: name, snapshot: snapshot).congestion
          return [CongestionControls.available().contains(congestion), try Self.refusesOtherSizes()]
        })
      try take(
        timed(.registerModel, repetition) {
          let before = try CongestionControl.status(name: name).slots.first { $0.state == .active }
          let snapshot = try DatapathSnapshot(SnapshotFile(second), name: "second")
          let after = try CongestionControl.update(name: name, snapshot: snapshot)
            .slots.first { $0.state == .active }
          return [after?.name == "second" && (after?.version ?? 0) > (before?.version ?? .max)]
        })
      try take(
        timed(.queryModel, repetition) {
          let interpreter = ReferenceInterpreter(second)
          let answers = try LiveQuery(name: name).run(inputs)
          return zip(inputs, answers).map { interpreter.run(features: $0) == $1 }
        })
      try take(
        timed(.unregisterIO, repetition) {
          try CongestionControl.detach(name: name)
          let listed = try CongestionControl.statusOfAll().contains { $0.name == name }
          return [!CongestionControls.available().contains(congestion), !listed]
        })
    }
  }

  private func timed(
    _ call: InterfaceRun.Call, _ repetition: Int, _ body: () throws -> [Bool]
  ) rethrows -> InterfaceRun {
    let start = ContinuousClock.now
    let checks = try body()
    return InterfaceRun(
      call: call, counterpart: call.counterpart, check: call.check, repetition: repetition,
      holds: checks.allSatisfy { $0 }, milliseconds: (ContinuousClock.now - start).inSeconds * 1e3,
      checks: checks.count)
  }

  /// A network of six features cannot steer TCP.
  private static func refusesOtherSizes() throws -> Bool {
    let other = try ComparedNetwork.Kind.ffnn.drawn(samples: 200, seed: 1)
    let snapshot = try Quantizer().quantize(other.network, Calibration(samples: other.samples))
    let name = "tabx\(getpid())"
    do {
      try CongestionControl.attach(
        name: name, snapshot: DatapathSnapshot(SnapshotFile(snapshot), name: "other"))
    } catch let error as DatapathError {
      return error.code == .wrongShape
    }
    try CongestionControl.detach(name: name)
    return false
  }

  public static func judge(
    _ runs: [InterfaceRun], _ plan: InterfacePlan
  ) -> (rows: [VerdictRow], faults: [String]) {
    let rows = InterfaceRun.Call.allCases.map { call in
      let own = runs.filter { $0.call == call }
      let share = own.isEmpty ? nil : Double(own.filter(\.holds).count) / Double(own.count)
      return VerdictRow("\(call.rawValue): share that holds", share, .atLeast(1), places: 2)
    }
    return (rows, [])
  }

  public static func plots(_ runs: [InterfaceRun], _ plan: InterfacePlan) -> PlotSheet {
    let calls = InterfaceRun.Call.allCases
    return PlotSheet([
      Plot(
        "Time of each call, with all that its check reads",
        x: PlotAxis("", categories: calls.map(\.rawValue)),
        y: PlotAxis("ms", scale: .logarithmic),
        series: [
          Plot.Series(
            "calls", color: 0, mark: .dots,
            points: runs.map {
              Plot.Point(Double(calls.firstIndex(of: $0.call) ?? 0), max($0.milliseconds, 0.1))
            })
        ])
    ])
  }
}
