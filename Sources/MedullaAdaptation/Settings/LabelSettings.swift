import MedullaLabels
import MedullaRetraining

/// Learning from what labeling agents say of a part of the flows: `adapter` of kind `labels`.
package struct LabelSettings: Sendable, Equatable, Codable {
  /// One source of labels.
  package struct Agent: Sendable, Equatable, Codable {
    package enum Source: Sendable, Equatable, Codable {
      /// A file of rules (docs/reference/rules.md).
      case rules(path: String)
      /// Lists as `medulla labels test --list` takes them.
      case lists([String])
      /// A `medulla.Labeler` in a process of its own.
      case python(AdapterSettings.Python)
      /// Any program that speaks of labels.
      case command(AdapterSettings.Command)
      /// nDPI over the packets of an interface, in a process of its own.
      case ndpi(NDPI)
      /// Over HTTP (docs/reference/label-service.md).
      case service(Service)
    }

    package struct Service: Sendable, Equatable, Codable {
      package var url: String
      /// A file of lines `Name: value`, sent with each request; nil: none.
      package var headers: String?
      /// Flows of one call.
      package var batch: Int
      package var deadline: Duration
      /// Whether addresses and ports leave this machine.
      package var sendsEndpoints: Bool
      /// Whether the service is also asked for rules, which then answer in its place.
      package var givesRules: Bool

      package init(
        url: String, headers: String? = nil, batch: Int = 16, deadline: Duration = .seconds(30),
        sendsEndpoints: Bool = false, givesRules: Bool = false
      ) {
        (self.url, self.headers, self.batch, self.deadline) = (url, headers, batch, deadline)
        (self.sendsEndpoints, self.givesRules) = (sendsEndpoints, givesRules)
      }
    }

    package var name: String
    package var source: Source
    /// Flows that it may be asked about in a day, of a service its calls; nil: as many as there are.
    package var calls: Double?
    /// What asking about one flow costs.
    package var price: Double
    /// What a day may cost; nil: not limited.
    package var cost: Double?

    package init(
      name: String, source: Source, calls: Double? = nil, price: Double = 0, cost: Double? = nil
    ) {
      (self.name, self.source) = (name, source)
      (self.calls, self.price, self.cost) = (calls, price, cost)
    }

    /// As the configuration calls its kind.
    package var kind: String {
      switch source {
      case .rules: "rules"
      case .lists: "lists"
      case .python: "python"
      case .command: "command"
      case .ndpi: "ndpi"
      case .service: "service"
      }
    }

    /// How its process is isolated; nil when it has none.
    package var isolation: ProcessIsolation? {
      switch source {
      case .python(let settings): settings.isolation
      case .command(let settings): settings.isolation
      case .ndpi(let settings): settings.isolation
      case .rules, .lists, .service: nil
      }
    }
  }

  package var agents: [Agent]
  /// Decided flows of a window: after each it is judged whether to train.
  package var window: Int
  /// The share of the flows that agents are asked about, 0 to 1.
  package var share: Double
  /// How long a flow waits until all agents have said something.
  package var patience: Duration
  package var policy: RetrainTrigger.Policy
  /// By which the proxy's upper end has to be below the level that was accepted.
  package var margin: Double
  /// By which the proxy's upper end has to be above what the network that learning began with would have now;
  /// nil: it is not compared with that.
  package var baselineMargin: Double?
  /// How often an agent is taken to be right until overlaps with others tell.
  package var accuracy: Double
  /// The agent that is asked at once about flows that the network is unsure of, and whose answers act on
  /// them; nil: none.
  package var cascade: String?
  /// The agent that is asked only where others differ; nil: none.
  package var referee: String?
  /// Labelled flows of the past that are kept.
  package var memory: Int
  package var seed: UInt64

  package init(
    agents: [Agent], window: Int = 100, share: Double = 1, patience: Duration = .seconds(2),
    policy: RetrainTrigger.Policy = .triggered, margin: Double = 0.03, baselineMargin: Double? = nil,
    accuracy: Double = 0.9,
    cascade: String? = nil, referee: String? = nil, memory: Int = 500, seed: UInt64 = 1
  ) {
    (self.agents, self.window, self.share, self.patience) = (agents, window, share, patience)
    (self.policy, self.margin, self.accuracy) = (policy, margin, accuracy)
    self.baselineMargin = baselineMargin
    (self.cascade, self.referee, self.memory, self.seed) = (cascade, referee, memory, seed)
  }

  package static let windows = 25...100_000
  package static let patiences: ClosedRange<Duration> = .milliseconds(10)...(.seconds(3_600))
  package static let memories = 50...100_000
  package static let accuracies = 0.5...0.999
  package static let agentLimit = 16

  func validate(of function: String) throws(AdaptationError) {
    func demand(_ holds: Bool, _ message: String) throws(AdaptationError) {
      try AdaptationError.demand(holds, "function \(function), adapter: \(message)")
    }
    try demand(!agents.isEmpty, "agents is empty: nobody gives labels")
    try demand(agents.count <= Self.agentLimit, "there are more than \(Self.agentLimit) agents")
    try demand(Set(agents.map(\.name)).count == agents.count, "two agents have the same name")
    try demand(Self.windows.contains(window), "window must be 25 to 100000")
    try demand(share > 0 && share <= 1, "share must be above 0 and up to 1")
    try demand(Self.patiences.contains(patience), "patience must be 10ms to 1h")
    try demand(margin >= 0 && margin <= 1, "margin must be 0 to 1")
    if let baselineMargin {
      try demand(baselineMargin >= 0 && baselineMargin <= 1, "baseline_margin must be 0 to 1")
      try demand(policy == .triggered, "baseline_margin goes with policy: triggered")
    }
    try demand(Self.accuracies.contains(accuracy), "accuracy must be 0.5 to 0.999")
    try demand(Self.memories.contains(memory), "memory must be 50 to 100000")
    if case .schedule(let windows) = policy { try demand(windows >= 1, "every must be 1 or more") }
    for (key, name) in [("cascade", cascade), ("referee", referee)] {
      guard let name else { continue }
      try demand(agents.contains { $0.name == name }, "\(key) names no agent: \(name)")
    }
    try demand(
      referee == nil || agents.count > 2, "a referee needs two other agents, which may differ")
    for agent in agents { try validate(agent, of: function) }
  }

  private func validate(_ agent: Agent, of function: String) throws(AdaptationError) {
    let place = "\(function), agent \(agent.name)"
    func demand(_ holds: Bool, _ message: String) throws(AdaptationError) {
      try AdaptationError.demand(holds, "function \(place): \(message)")
    }
    // It is part of file names, and of `-` between them.
    let isName = agent.name.utf8.allSatisfy {
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
        || $0 == UInt8(ascii: "_")
    }
    try demand(
      (1...32).contains(agent.name.utf8.count) && isName,
      "an agent's name is 1 to 32 small letters, digits and underscores")
    try demand(agent.name != Self.operatorName, "`\(Self.operatorName)` is the name of people's labels")
    switch agent.source {
    case .rules(let path): try demand(!path.isEmpty, "file is empty")
    case .lists(let lists): try demand(!lists.isEmpty, "lists is empty")
    case .python(let settings): try AdapterSettings.python(settings).validate(of: place)
    case .command(let settings): try AdapterSettings.command(settings).validate(of: place)
    case .ndpi(let settings): try settings.validate(demand)
    case .service(let service): try demand(!service.url.isEmpty, "url is empty")
    }
  }

  /// What labels that people give are told by; they are taken to be right.
  package static let operatorName = "operator"
}
