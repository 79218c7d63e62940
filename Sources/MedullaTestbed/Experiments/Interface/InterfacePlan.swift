/// The experiment `table1`: how often the calls are made.
public struct InterfacePlan: ExperimentPlan {
  /// Inputs that are asked of the attached network.
  public var queries = 1_000
  public var repeats = 3
  public var seed: UInt64 = 1

  public init() {}

  public static var quick: InterfacePlan {
    var plan = InterfacePlan()
    plan.repeats = 1
    return plan
  }

  public var isComplete: Bool { queries >= 1_000 && repeats >= 3 }
  public var runCount: Int { repeats * InterfaceRun.Call.allCases.count }

  public func validate() throws {
    try require(
      (1...100_000).contains(queries) && (1...100).contains(repeats), "The plan of calls is out of range.",
      remedy: "Use 1 to 100,000 queries and 1 to 100 repeats.")
  }
}

/// One call of the paper's interface, made through what stands for it here.
public struct InterfaceRun: ExperimentRun {
  /// The paper's names.
  public enum Call: String, Codable, CaseIterable, Sendable {
    case registerIO = "lf_register_io"
    case registerModel = "lf_register_model"
    case queryModel = "lf_query_model"
    case unregisterIO = "lf_unregister_io"

    /// What does it here.
    public var counterpart: String {
      switch self {
      case .registerIO: "medulla attach congestion / function; MEDULLA_FUNCTION(name, inputs, outputs)"
      case .registerModel: "medulla update; stage and promote into a slot"
      case .queryModel: "medulla_query() in eBPF; LiveQuery from user space"
      case .unregisterIO: "medulla detach"
      }
    }

    /// What is checked.
    public var check: String {
      switch self {
      case .registerIO: "TCP lists it; a network of other sizes is refused"
      case .registerModel: "the new snapshot's digest is active, of the next version"
      case .queryModel: "the kernel's answers are the reference interpreter's, bit for bit"
      case .unregisterIO: "TCP no longer lists it, and nothing of it is left"
      }
    }
  }

  public var call: Call
  public var counterpart: String
  public var check: String
  public var repetition: Int
  public var holds: Bool
  /// Of all the call's work, the command's compiler included.
  public var milliseconds: Double
  /// Single acts that were checked.
  public var checks: Int

  public var line: String {
    "\(call.rawValue.padding(18)) \(holds ? "holds" : "FAILS"): \(check) "
      + "(\(checks) checks, \(decimal(milliseconds, 1)) ms)"
  }
}
