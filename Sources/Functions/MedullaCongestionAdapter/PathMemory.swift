import MedullaLearning

/// The paths that the live batches have shown: the present one, and past ones that fade but are not
/// forgotten.
struct PathMemory: Sendable, Equatable {
  struct Place: Sendable, Equatable {
    var estimate: PathEstimate
    /// 1 when it was just seen; sinks with each batch of another path.
    var weight: Double
  }

  private(set) var places: [Place] = []
  private(set) var current: Int?
  private var candidate: PathEstimate?
  private var agreements = 0

  static let limit = 16
  /// Estimates farther apart than a factor of e^0.4 ≈ 1.5 are different paths.
  static let nearness = 0.4
  /// Batches in a row that must agree before a new path is believed.
  static let confirmations = 2
  static let fading = 0.97
  static let leastWeight = 0.05
  /// Share of the episodes that the present path gets, when there are others.
  static let presentShare = 0.7

  /// Takes in a batch's estimate.
  ///
  /// - Returns: whether the path has changed.
  mutating func note(_ estimate: PathEstimate) -> Bool {
    if let current, places[current].estimate.distance(to: estimate) <= Self.nearness {
      places[current].estimate.follow(estimate, part: 0.1)
      agreements = 0
      return false
    }
    if let candidate, candidate.distance(to: estimate) <= Self.nearness {
      agreements += 1
    } else {
      agreements = 1
    }
    candidate = estimate
    guard agreements >= Self.confirmations || current == nil else { return false }
    agreements = 0
    enter(estimate)
    return true
  }

  private mutating func enter(_ estimate: PathEstimate) {
    for index in places.indices {
      places[index].weight = max(places[index].weight * Self.fading, Self.leastWeight)
    }
    let nearest = places.indices.min {
      places[$0].estimate.distance(to: estimate) < places[$1].estimate.distance(to: estimate)
    }
    if let nearest, places[nearest].estimate.distance(to: estimate) <= Self.nearness {
      places[nearest].estimate.follow(estimate, part: 0.5)
      places[nearest].weight = 1
      current = nearest
      return
    }
    if places.count >= Self.limit,
      let faintest = places.indices.min(by: { places[$0].weight < places[$1].weight })
    {
      places.remove(at: faintest)
    }
    places.append(Place(estimate: estimate, weight: 1))
    current = places.count - 1
  }

  /// The paths to train on; nil before the first estimate.
  func scenarios() throws(LearningError) -> AuroraScenarios? {
    guard let current else { return nil }
    let others = places.indices.filter { $0 != current }
    let sum = others.reduce(0) { $0 + places[$1].weight }
    var parts = [AuroraScenarios.Part(places[current].estimate.ranges, weight: Self.presentShare)]
    for index in others {
      let weight = (1 - Self.presentShare) * places[index].weight / max(sum, 1e-9)
      parts.append(.init(places[index].estimate.ranges, weight: max(weight, 1e-6)))
    }
    return try AuroraScenarios(parts)
  }
}
