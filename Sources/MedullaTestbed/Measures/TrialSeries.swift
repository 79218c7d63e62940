/// Trials of several schemes, taken in rounds, so that a slow drift of the machine meets all of them.
public struct TrialSeries {
  private let steerings: [SteeringScheme: Steering]
  private let prefix: String
  private let executable: String

  /// Prepares every scheme.
  ///
  /// - Parameters:
  ///   - prefix: a few letters for the names of what is attached.
  ///   - processor: where user processes are kept.
  ///   - roundTrips: see `Steering`.
  public init(
    _ schemes: [SteeringScheme], prefix: String, context: ExperimentContext, processor: Int? = nil,
    roundTrips: Bool = false
  ) throws {
    let network = try SteeringNetwork(models: context.models)
    self.prefix = prefix
    executable = context.executable
    steerings = try schemes.reduce(into: [:]) { made, scheme in
      guard made[scheme] == nil else { return }
      made[scheme] = try Steering(
        scheme, prefix: prefix, network: network, processor: processor, roundTrips: roundTrips)
    }
  }

  /// One trial, and once more where it was spoilt.
  public func run(
    _ scheme: SteeringScheme, _ trial: FlowTrial, round: Int, meanwhile: (Steering) throws -> Void = { _ in }
  ) throws -> FlowTrial.Outcome {
    guard let steering = steerings[scheme] else {
      throw TestbedError(
        .badParameter, "The scheme \(scheme.name) was not prepared.", remedy: "Name it in the plan.")
    }
    var outcome = try FlowTrial.Outcome.steadied {
      try trial.run(steering, prefix: prefix, executable: executable, meanwhile: meanwhile)
    }
    outcome.measures.round = round
    return outcome
  }
}

extension [FlowMeasures] {
  /// The schemes in their order of appearance.
  var schemes: [SteeringScheme] {
    map(\.scheme).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  func of(_ name: String, flows: Int? = nil) -> [FlowMeasures] {
    filter { $0.scheme.name == name && (flows == nil || $0.flows == flows) }
  }

  /// Mean of a figure over the runs; nil without one.
  func mean(_ value: (FlowMeasures) -> Double) -> Double? {
    isEmpty ? nil : Statistics.mean(map(value))
  }
}

/// The ratio, where both are there and the second is not 0.
func ratio(_ first: Double?, _ second: Double?) -> Double? {
  guard let first, let second, second != 0 else { return nil }
  return first / second
}
