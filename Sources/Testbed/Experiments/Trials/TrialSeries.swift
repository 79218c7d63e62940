import TestbedLink
import TestbedMeasures

/// The schemes of a study, each prepared once for all its trials.
package struct TrialSeries {
  private let steerings: [SteeringScheme: Steering]
  private let prefix: String
  private let executable: String

  /// Prepares every scheme.
  ///
  /// - Parameters:
  ///   - name: what the schemes with a network have.
  ///   - prefix: a few letters for the names of what is attached.
  ///   - processor: where user processes are kept.
  ///   - roundTrips: see `Steering`.
  package init(
    _ schemes: [SteeringScheme], _ name: ShippedNetwork.Name = .aurora, prefix: String,
    context: StudyContext, processor: Int? = nil, roundTrips: Bool = false
  ) throws {
    let network = try SteeringNetwork(name, models: context.models)
    self.prefix = prefix
    executable = context.executable
    steerings = try schemes.reduce(into: [:]) { made, scheme in
      guard made[scheme] == nil else { return }
      made[scheme] = try Steering(
        scheme, prefix: prefix, network: network, processor: processor, roundTrips: roundTrips)
    }
  }

  /// One trial.
  package func run(_ scheme: SteeringScheme, _ trial: FlowTrial) throws -> FlowTrial.Outcome {
    try trial.run(prepared(scheme), prefix: prefix, executable: executable)
  }

  /// Attaches what a scheme needs for as long as `body` takes.
  func steer<Value>(_ scheme: SteeringScheme, _ body: (Steering) throws -> Value) throws -> Value {
    let steering = try prepared(scheme)
    try steering.start(prefix: prefix)
    defer { steering.stop() }
    return try body(steering)
  }

  private func prepared(_ scheme: SteeringScheme) throws -> Steering {
    guard let steering = steerings[scheme] else {
      throw TestbedError(
        .badParameter, "The scheme \(scheme.name) was not prepared.", remedy: "Name it in the plan.")
    }
    return steering
  }
}
