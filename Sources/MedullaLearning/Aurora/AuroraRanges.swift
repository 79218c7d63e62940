import MedullaBase

/// What paths a policy is trained on: each number is drawn anew for every episode.
package struct AuroraRanges: Sendable, Equatable, Codable {
  /// Bits a second, drawn on a logarithmic scale as all but the number of flows.
  package var rate: ClosedRange<Double>
  /// Seconds of the empty path.
  package var roundTrip: ClosedRange<Double>
  /// Droptail buffer in bandwidth-delay products; never below six to twenty packets.
  package var buffer: ClosedRange<Double>
  /// How many of the paths lose packets at random, and which share of them.
  package var lossChance: Double
  package var loss: ClosedRange<Double>
  /// How many of the paths have several flows, and at most how many.
  package var sharedChance: Double
  package var flowLimit: Int
  /// How many of the flows have a round trip of half to twice the path's.
  package var spreadChance: Double
  /// How many of the paths change their capacity, and by which factor.
  package var changeChance: Double
  package var change: ClosedRange<Double>
  /// How many of the paths carry unresponsive traffic, and which share of the rate it takes.
  package var crossChance: Double
  package var cross: ClosedRange<Double>
  /// How many of the paths have a policer, acknowledgements in batches, a slow way back, losses in bursts or
  /// a route that changes.
  package var hardChance: Double
  /// How many of the paths have flows of CUBIC or BBR beside ours.
  package var rivalChance: Double

  package init(
    rate: ClosedRange<Double>, roundTrip: ClosedRange<Double>, buffer: ClosedRange<Double>,
    lossChance: Double = 0, loss: ClosedRange<Double> = 0.0005...0.05, sharedChance: Double = 0,
    flowLimit: Int = 4, spreadChance: Double = 0, changeChance: Double = 0,
    change: ClosedRange<Double> = 0.3...3,
    crossChance: Double = 0, cross: ClosedRange<Double> = 0.02...0.3, hardChance: Double = 0,
    rivalChance: Double = 0
  ) {
    self.rate = rate
    self.roundTrip = roundTrip
    self.buffer = buffer
    self.lossChance = lossChance
    self.loss = loss
    self.sharedChance = sharedChance
    self.flowLimit = flowLimit
    self.spreadChance = spreadChance
    self.changeChance = changeChance
    self.change = change
    self.crossChance = crossChance
    self.cross = cross
    self.hardChance = hardChance
    self.rivalChance = rivalChance
  }

  /// Wider than Aurora's paper.
  package static let wide = AuroraRanges(
    rate: 1e6...1e9, roundTrip: 0.001...0.6, buffer: 0.2...16, lossChance: 0.25, sharedChance: 0.5,
    spreadChance: 0.3, changeChance: 0.3, crossChance: 0.2, hardChance: 0.3, rivalChance: 0.4)

  /// Where rivals are met most: paths of servers and of the edge.
  package static let contested = AuroraRanges(
    rate: 5e6...5e8, roundTrip: 0.005...0.2, buffer: 0.3...20, lossChance: 0.1, sharedChance: 0.5,
    spreadChance: 0.2, changeChance: 0.15, crossChance: 0.1, hardChance: 0.1, rivalChance: 0.5)

  /// - Throws: `invalidOption` that names the range.
  func check() throws(LearningError) {
    func demand(_ holds: Bool, _ what: String) throws(LearningError) {
      if !holds { throw LearningError(.invalidOption, "the paths to train on: \(what)") }
    }
    try demand(rate.lowerBound >= 1e5 && rate.upperBound <= 1e11, "rates must be 100 kb/s to 100 Gb/s")
    try demand(
      roundTrip.lowerBound >= 1e-5 && roundTrip.upperBound <= 10, "round trips must be 10 us to 10 s")
    try demand(buffer.lowerBound > 0 && buffer.upperBound <= 1000, "buffers must be above 0, up to 1000")
    try demand(loss.lowerBound > 0 && loss.upperBound < 0.9, "losses must be above 0 and below 0.9")
    try demand(
      change.lowerBound > 0 && change.upperBound <= 1000, "changes must be factors above 0, up to 1000")
    try demand(cross.lowerBound >= 0 && cross.upperBound < 0.95, "cross traffic must be 0 to 0.95")
    let chances = [
      lossChance, sharedChance, spreadChance, changeChance, crossChance, hardChance, rivalChance,
    ]
    for chance in chances {
      try demand((0...1).contains(chance), "chances must be 0 to 1")
    }
    try demand((1...16).contains(flowLimit), "flows must be 1 to 16")
  }
}

/// A mixture of paths: for each episode one part is chosen by its weight.
package struct AuroraScenarios: Sendable, Equatable, Codable {
  package struct Part: Sendable, Equatable, Codable {
    package var ranges: AuroraRanges
    package var weight: Double

    package init(_ ranges: AuroraRanges, weight: Double = 1) {
      self.ranges = ranges
      self.weight = weight
    }
  }

  package let parts: [Part]
  static let partLimit = 256

  /// - Throws: `invalidOption` when there is no part, a weight is not positive or a range makes no sense.
  package init(_ parts: [Part]) throws(LearningError) {
    guard (1...Self.partLimit).contains(parts.count),
      parts.allSatisfy({ $0.weight > 0 && $0.weight.isFinite })
    else {
      throw LearningError(
        .invalidOption, "a mixture of paths has 1 to \(Self.partLimit) parts of positive weight")
    }
    for part in parts { try part.ranges.check() }
    self.parts = parts
  }

  package init(_ ranges: AuroraRanges) throws(LearningError) { try self.init([Part(ranges)]) }

  private init(sound: AuroraRanges...) { parts = sound.map { Part($0) } }

  /// What actions are learned on.
  package static let wide = AuroraScenarios(sound: .wide)
  /// What verdicts on rivals are learned on.
  package static let contested = AuroraScenarios(sound: .wide, .contested)

  /// Whether a decoded value could have been made by `init`.
  var isSound: Bool { (try? AuroraScenarios(parts)) != nil }

  /// The scenario of one seed. The choice of the part takes nothing from the scenario's own draws.
  package func scenario(seed: UInt64, decisions: Int) -> AuroraScenario {
    var chooser = SeededGenerator(seed: seed ^ 0x5EED_0F_9A7)
    var left = chooser.unit() * parts.reduce(0) { $0 + $1.weight }
    for part in parts.dropLast() {
      left -= part.weight
      if left < 0 { return .random(in: part.ranges, seed: seed, decisions: decisions) }
    }
    return .random(in: parts[parts.count - 1].ranges, seed: seed, decisions: decisions)
  }
}
