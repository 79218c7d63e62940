/// Everything that one function's slow path is told: one `[[function]]` table of the configuration.
public struct FunctionSettings: Sendable, Equatable, Codable {
  public enum Kind: Sendable, Equatable, Codable {
    /// TCP congestion control.
    case congestion
    /// A user's own collector and enforcer: its `.bpf.c` file and where it hooks in, such as
    /// `tc:eth0:ingress`.
    case custom(program: String, hook: String)
  }

  /// The instance's name.
  public var name: String
  public var kind: Kind
  /// Path of the bundle that the network comes from; attached when nothing of this name is.
  public var bundle: String
  /// T: samples are drained this often.
  public var interval: Duration
  /// Every n-th decision is sampled; 0: none, so that nothing is learned.
  public var sampling: Int
  /// Whether flows stay on the snapshot that they began with.
  public var consistency: Bool
  /// How long flows may stay on a snapshot that is no longer active; nil: as long as they live.
  public var drainLimit: Duration?
  public var adapter: AdapterSettings
  public var gates: GateSettings
  public var shadow: ShadowSettings
  public var watch: WatchSettings

  public init(
    name: String, kind: Kind = .congestion, bundle: String, interval: Duration = .milliseconds(100),
    sampling: Int = 1, consistency: Bool = true, drainLimit: Duration? = nil,
    adapter: AdapterSettings = .none,
    gates: GateSettings = GateSettings(), shadow: ShadowSettings = ShadowSettings(),
    watch: WatchSettings = WatchSettings()
  ) {
    self.name = name
    self.kind = kind
    self.bundle = bundle
    self.interval = interval
    self.sampling = sampling
    self.consistency = consistency
    self.drainLimit = drainLimit
    self.adapter = adapter
    self.gates = gates
    self.shadow = shadow
    self.watch = watch
  }

  public static let intervals: ClosedRange<Duration> = .milliseconds(1)...(.seconds(10))
  public static let drainLimits: ClosedRange<Duration> = .seconds(1)...(.seconds(86_400))
  /// The least and most that a time of gates and watch may be.
  static let times: ClosedRange<Duration> = .zero...(.seconds(86_400))

  /// - Throws: `badSettings` that names the key as the configuration writes it.
  public func validate() throws(AdaptationError) {
    try demand(!name.isEmpty, "name is missing")
    try demand(!bundle.isEmpty, "bundle is missing")
    if case .custom(let program, let hook) = kind {
      try demand(!program.isEmpty && !hook.isEmpty, "a custom function needs program and hook")
    }
    try demand(Self.intervals.contains(interval), "interval must be 1ms to 10s, not \(interval)")
    try demand((0...1_000_000).contains(sampling), "sampling must be 0 to 1000000, not \(sampling)")
    if let drainLimit {
      try demand(Self.drainLimits.contains(drainLimit), "drain_limit must be 1s to 1 day, not \(drainLimit)")
    }
    try adapter.validate(of: name)
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
