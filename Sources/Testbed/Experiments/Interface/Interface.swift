import Foundation
import MedullaBase
import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import MedullaLearning
import MedullaSnapshot
import TestbedLink
import TestbedMeasures

/// Each call of the paper's interface, exercised through its counterpart: the study `table1`.
enum Interface {
  /// The paper's names.
  enum Call: String, CaseIterable {
    case registerIO = "lf_register_io"
    case registerModel = "lf_register_model"
    case queryModel = "lf_query_model"
    case unregisterIO = "lf_unregister_io"
  }

  static let calls = Axis(
    "calls", "call", Call.allCases.map(\.rawValue), "The calls, in the order of their use.")
  static let queries = Setting(
    "queries", 1_000, .atLeast, in: 1...100_000, "Inputs that are asked of the attached network.")

  static let holds = Metric("holds", "share that holds", places: 2)
  private static let milliseconds = Metric("call_ms", "time of the call with its check", "ms", places: 1)
  private static let checks = Metric("checks", "checks", places: 0)

  /// An instance from its attachment to its end; the calls come in their order.
  private final class Session {
    private let name = "tab\(getpid())"
    private let first: Snapshot
    private let second: Snapshot
    private let inputs: [[Int64]]
    private var congestion = ""

    init(_ plan: StudyPlan, models: String) throws {
      let network = try ShippedNetwork(directory: models)
      (first, second) = (network.first, network.second)
      var generator = SeededGenerator(seed: plan.seed)
      let unit = Double(sign: .plus, exponent: first.shape.featureFractionBits, significand: 1)
      let width = first.shape.inputs
      inputs = (0..<plan[queries]).map { _ in
        (0..<width).map { _ in Int64((generator.unit() * 4 - 2) * unit) }
      }
    }

    deinit { try? Instance(name).detach() }

    /// Whether each of the call's effects is there.
    func make(_ call: Call) throws -> [Bool] {
      switch call {
      case .registerIO:
        let snapshot = try DatapathSnapshot(compiling: SnapshotFile(first), name: "first")
        congestion = try Instance(name).attach(CongestionControl(), snapshot).congestion
        return [CongestionControls.available().contains(congestion), try Self.refusesOtherSizes()]
      case .registerModel:
        let before = try Instance(name).status().slots.first { $0.state == .active }
        let snapshot = try DatapathSnapshot(compiling: SnapshotFile(second), name: "second")
        let after = try Instance(name).update(snapshot)
          .slots.first { $0.state == .active }
        return [after?.name == "second" && (after?.version ?? 0) > (before?.version ?? .max)]
      case .queryModel:
        let interpreter = ReferenceInterpreter(second)
        let answers = try Instance(name).query().run(inputs)
        return zip(inputs, answers).map { interpreter.run(features: $0) == $1 }
      case .unregisterIO:
        try Instance(name).detach()
        let listed = try FunctionList.all.statusOfAll().contains { $0.name == name }
        return [!CongestionControls.available().contains(congestion), !listed]
      }
    }

    /// A network of six features cannot steer TCP.
    private static func refusesOtherSizes() throws -> Bool {
      let other = try ComparedNetwork.Kind.ffnn.drawn(samples: 200, seed: 1)
      let snapshot = try Quantizer().quantize(other.network, Calibration(samples: other.samples))
      let name = "tabx\(getpid())"
      do {
        try Instance(name).attach(
          CongestionControl(), DatapathSnapshot(compiling: SnapshotFile(snapshot), name: "other"))
      } catch let error as DatapathError {
        return error.code == .wrongShape
      }
      try Instance(name).detach()
      return false
    }
  }

  static let table1 = Study(
    "table1", "Exercise what stands for each call of the paper's interface.",
    discussion: """
      Attaches a congestion control under a name of its own, gives it another snapshot, asks it a thousand \
      inputs and takes it away. Needs root and takes seconds.
      """,
    method: """
      Each call is made through the library that the commands use, and what it must have caused is read back \
      from the kernel. lf_register_io (medulla attach): TCP lists it, and a network of other sizes is \
      refused. lf_register_model (medulla update): the new snapshot is active, of the next version. \
      lf_query_model (medulla_query() in eBPF): the kernel's answers are the reference interpreter's, bit \
      for bit. lf_unregister_io (medulla detach): TCP no longer lists it, and nothing of it is left.
      """,
    paper: PaperFigure(
      "Table 1, §4.2",
      "lf_register_model registers a new snapshot; lf_register_io and lf_unregister_io add and remove an "
        + "input and output module, with a check of the sizes; lf_query_model is the one interface for "
        + "inference."),
    keys: [calls, queries, Common.repeats], quick: { $0[Common.repeats] = 1 },
    cells: { [StudyCell].one.times(calls, $0) },
    check: { plan in
      try Study.require(
        plan[calls] == calls.standard, "A call needs those before it.",
        remedy: "Leave the calls as they are.")
    },
    course: .trials(.asListed) { plan, context in
      let session = try Session(plan, models: context.models)
      return { cell, _ in
        guard let call = Call(rawValue: cell[calls]) else { return Reading() }
        let start = ContinuousClock.now
        let effects = try session.make(call)
        return Reading([
          holds: effects.allSatisfy { $0 } ? 1 : 0, checks: Double(effects.count),
          milliseconds: (ContinuousClock.now - start).inSeconds * 1e3,
        ])
      }
    },
    metrics: [holds, checks, milliseconds], bounds: [Bound(each: holds, to: .atLeast(1), .paper("§4.2"))],
    plots: [
      .bars(
        "Time of each call, with all that its check reads", milliseconds, scale: .logarithmic, mark: .dots)
    ])
}
