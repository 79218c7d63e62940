import MedullaFrames
import MedullaLearning

/// Who learns: the table `adapter` of a function.
package enum AdapterSettings: Sendable, Equatable, Codable {
  /// Nobody; samples are drained and counted.
  case none
  case simulator(Simulator)
  case supervised(Supervised)
  case python(Python)
  case command(Command)
  case labels(LabelSettings)

  /// Reinforcement learning in a simulator of what the batches show.
  package struct Simulator: Sendable, Equatable, Codable {
    /// Decisions of the policy in one round of learning.
    package var steps: Int
    package var seed: UInt64

    package init(steps: Int = 4_096, seed: UInt64 = 1) {
      self.steps = steps
      self.seed = seed
    }
  }

  /// Regression or classification on labels in the samples.
  package struct Supervised: Sendable, Equatable, Codable {
    package var loss: Loss
    /// Which outcome of a sample is the label: the value itself for regression (in units of
    /// `1 / targetScale`), the class's number for classification.
    package var target: Int
    package var targetScale: Double
    /// Which outcome says which of the network's outputs the label is of, from 0; the others are not known.
    /// nil: as many outcomes as outputs are the labels.
    package var output: Int?
    /// Learning rate of Adam.
    package var rate: Double
    /// Samples that are kept for replay.
    package var replay: Int
    package var minibatch: Int
    /// Steps of the optimizer in one round.
    package var steps: Int
    package var seed: UInt64

    package init(
      loss: Loss = .squaredError, target: Int = 0, targetScale: Double = 1, output: Int? = nil,
      rate: Double = 1e-3,
      replay: Int = 4_096, minibatch: Int = 64, steps: Int = 64, seed: UInt64 = 1
    ) {
      self.loss = loss
      self.target = target
      self.targetScale = targetScale
      self.output = output
      self.rate = rate
      self.replay = replay
      self.minibatch = minibatch
      self.steps = steps
      self.seed = seed
    }
  }

  /// A Python class in a process of its own.
  package struct Python: Sendable, Equatable, Codable {
    /// `package.module:Class`.
    package var className: String
    /// The interpreter.
    package var python: String
    package var deadline: Duration
    /// For the class's own use.
    package var options: [String: FrameValue]
    package var isolation: ProcessIsolation

    package init(
      className: String, python: String = "python3", deadline: Duration = .seconds(10),
      options: [String: FrameValue] = [:], isolation: ProcessIsolation = ProcessIsolation()
    ) {
      self.className = className
      self.python = python
      self.deadline = deadline
      self.options = options
      self.isolation = isolation
    }
  }

  /// Any program that speaks the adapter protocol.
  package struct Command: Sendable, Equatable, Codable {
    package var arguments: [String]
    package var deadline: Duration
    /// For the program's own use.
    package var options: [String: FrameValue]
    package var isolation: ProcessIsolation

    package init(
      arguments: [String], deadline: Duration = .seconds(10), options: [String: FrameValue] = [:],
      isolation: ProcessIsolation = ProcessIsolation()
    ) {
      self.arguments = arguments
      self.deadline = deadline
      self.options = options
      self.isolation = isolation
    }
  }

  /// As the configuration calls it.
  package var kind: String {
    switch self {
    case .none: "none"
    case .simulator: "simulator"
    case .supervised: "supervised"
    case .python: "python"
    case .command: "command"
    case .labels: "labels"
    }
  }

  /// How its processes are isolated, each; none when it has none.
  package var isolations: [ProcessIsolation] {
    switch self {
    case .python(let settings): [settings.isolation]
    case .command(let settings): [settings.isolation]
    case .labels(let settings): settings.agents.compactMap(\.isolation)
    case .none, .simulator, .supervised: []
    }
  }

  /// Of one that learns from labels: who gives them.
  package var agents: [LabelSettings.Agent] {
    if case .labels(let settings) = self { settings.agents } else { [] }
  }

  /// Whether one of them reads packets, for which whoever starts it needs a right.
  package var readsPackets: Bool {
    agents.contains { if case .ndpi = $0.source { true } else { false } }
  }

  /// Says which interface is meant where agents read packets and name none.
  package mutating func choose(interface: String) {
    guard case .labels(var settings) = self else { return }
    for place in settings.agents.indices {
      guard case .ndpi(var ndpi) = settings.agents[place].source, ndpi.interface.isEmpty else { continue }
      ndpi.interface = interface
      settings.agents[place].source = .ndpi(ndpi)
    }
    self = .labels(settings)
  }

  package func validate(of name: String) throws(AdaptationError) {
    func demand(_ holds: Bool, _ message: String) throws(AdaptationError) {
      try AdaptationError.demand(holds, "function \(name), adapter: \(message)")
    }
    switch self {
    case .none: break
    case .simulator(let settings):
      try demand((64...1_000_000).contains(settings.steps), "steps must be 64 to 1000000")
    case .supervised(let settings):
      try demand((0...255).contains(settings.target), "target must be 0 to 255")
      try demand(settings.targetScale.isFinite && settings.targetScale > 0, "target_scale must be positive")
      try demand(settings.output.map { (0...255).contains($0) } ?? true, "output must be 0 to 255")
      try demand(
        settings.output == nil || settings.loss == .squaredError, "output goes with the squared loss")
      try demand(settings.rate > 0 && settings.rate <= 1, "rate must be above 0 and up to 1")
      try demand((1...1_000_000).contains(settings.replay), "replay must be 1 to 1000000")
      try demand((1...65_536).contains(settings.minibatch), "minibatch must be 1 to 65536")
      try demand((1...100_000).contains(settings.steps), "steps must be 1 to 100000")
    case .python(let settings):
      let parts = settings.className.split(separator: ":", omittingEmptySubsequences: false)
      try demand(parts.count == 2 && !parts.contains(""), "class must be `package.module:Class`")
      try demand(!settings.python.isEmpty, "python is empty")
      try demand(Self.deadlines.contains(settings.deadline), "deadline must be 10ms to 1h")
    case .command(let settings):
      try demand(!settings.arguments.isEmpty, "argv is empty")
      try demand(Self.deadlines.contains(settings.deadline), "deadline must be 10ms to 1h")
    case .labels(let settings): try settings.validate(of: name)
    }
  }

  package static let deadlines: ClosedRange<Duration> = .milliseconds(10)...(.seconds(3_600))
}
