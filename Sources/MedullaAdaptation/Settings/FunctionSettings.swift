import MedullaCompile
import MedullaDatapath

/// Everything that one function's slow path is told: one table of the list `function` of the configuration.
package struct FunctionSettings: Sendable, Equatable, Codable {
  /// The instance's name.
  package var name: String
  /// The name of its function in the list of functions.
  package var function: String
  /// What the configuration says of the function's own keys.
  package var values: [String: FunctionValue]
  /// Path of the bundle that the network comes from; attached when nothing of this name is.
  package var bundle: String
  /// T: samples are drained this often.
  package var interval: Duration
  /// Every n-th decision is sampled; 0: none, so that nothing is learned.
  package var sampling: Int
  /// Whether flows stay on the snapshot that they began with.
  package var consistency: Bool
  /// How long flows may stay on a snapshot that is no longer active; nil: as long as they live.
  package var drainLimit: Duration?
  /// Flows that are kept at once, of a function at an interface; nil: as many as the function says.
  package var flowLimit: Int?
  /// Sampled decisions that the history keeps; nil: `keptDecisions` says how many.
  package var decisionLimit: Int?
  package var adapter: AdapterSettings
  package var trigger: TriggerSettings
  package var gates: GateSettings
  package var shadow: ShadowSettings
  package var watch: WatchSettings
  package var onUpdate: OnUpdate

  /// What follows when someone else updates the function.
  package enum OnUpdate: String, Sendable, Equatable, Codable, CaseIterable {
    /// Their snapshot stays until `medulla resume`.
    case pin
    /// Learning goes on from their network, where it is known: the bundle's, or one that was kept; else it
    /// stays as with `pin`.
    case reseed
  }

  package init(
    name: String, function: String = FunctionList.standard, values: [String: FunctionValue] = [:],
    bundle: String, interval: Duration = .milliseconds(100),
    sampling: Int = 1, consistency: Bool = true, drainLimit: Duration? = nil,
    adapter: AdapterSettings = .none, trigger: TriggerSettings = TriggerSettings(),
    gates: GateSettings = GateSettings(), shadow: ShadowSettings = ShadowSettings(),
    watch: WatchSettings = WatchSettings(), onUpdate: OnUpdate = .pin
  ) {
    self.name = name
    self.function = function
    self.values = values
    self.bundle = bundle
    self.interval = interval
    self.sampling = sampling
    self.consistency = consistency
    self.drainLimit = drainLimit
    self.adapter = adapter
    self.trigger = trigger
    self.gates = gates
    self.shadow = shadow
    self.watch = watch
    self.onUpdate = onUpdate
  }

  package static let intervals: ClosedRange<Duration> = .milliseconds(1)...(.seconds(10))
  package static let drainLimits: ClosedRange<Duration> = .seconds(1)...(.seconds(86_400))
  /// The least and most that a time of gates and watch may be.
  static let times: ClosedRange<Duration> = .zero...(.seconds(86_400))
  package static let decisionLimits = 0...1_000_000

  /// Of functions at an interface, which decide once or a few times for a flow, the last so many decisions
  /// are kept; none of others, which decide all the time.
  package var keptDecisions: Int {
    decisionLimit ?? (FunctionList.all[function]?.isDispatched == true ? 10_000 : 0)
  }

  /// Of a function that may have to be attached: what its slow path needs, and its own keys.
  ///
  /// - Throws: `badSettings` that names the key as the configuration writes it.
  package func validate() throws(AdaptationError) {
    try validateLearning()
    for key in FunctionList.all[function]?.keys ?? [] where key.isRequired {
      try demand(values[key.name].map { $0 != .text("") } ?? false, "\(function) needs \(key.name)")
    }
  }

  /// What the slow path of an attached function needs.
  ///
  /// - Throws: `badSettings` that names the key as the configuration writes it.
  package func validateLearning() throws(AdaptationError) {
    try demand(!name.isEmpty, "name is missing")
    try demand(!bundle.isEmpty, "bundle is missing")
    guard FunctionList.all[function] != nil else {
      let names = FunctionList.all.names.joined(separator: ", ")
      throw AdaptationError(
        .badSettings, "function \(name): there is no function \(function)", remedy: "there is: \(names)")
    }
    try demand(Self.intervals.contains(interval), "interval must be 1ms to 10s, not \(interval)")
    try demand((0...1_000_000).contains(sampling), "sampling must be 0 to 1000000, not \(sampling)")
    if let drainLimit {
      try demand(Self.drainLimits.contains(drainLimit), "drain_limit must be 1s to 1 day, not \(drainLimit)")
    }
    if let decisionLimit {
      try demand(
        Self.decisionLimits.contains(decisionLimit), "decisions must be 0 to 1000000, not \(decisionLimit)")
    }
    try adapter.validate(of: name)
    try trigger.validate(of: name)
    try gates.validate(of: name)
    try shadow.validate(of: name)
    try watch.validate(of: name)
  }

  private func demand(_ holds: Bool, _ message: String) throws(AdaptationError) {
    try AdaptationError.demand(holds, "function \(name.isEmpty ? "without a name" : name): \(message)")
  }
}

extension AdaptationError {
  static func demand(_ holds: Bool, _ message: @autoclosure () -> String) throws(AdaptationError) {
    if !holds { throw AdaptationError(.badSettings, message(), remedy: "correct the configuration") }
  }
}

extension Duration {
  /// In seconds.
  var seconds: Double { self / .seconds(1) }
}
