import MedullaDatapath

/// Samples of several batches, until they say enough of the path: a flow decides once a round trip, and an
/// interval T may hold one decision or none.
struct SampleGathering: Sendable, Equatable {
  private(set) var samples: [FunctionSample] = []

  /// What is older than this before the newest sample may be of another path.
  static let ageNanoseconds: UInt64 = 5_000_000_000

  /// Takes in a batch.
  ///
  /// - Returns: the estimate once there are enough samples for one; they are used up then.
  mutating func note(_ batch: [FunctionSample]) -> PathEstimate? {
    samples += batch
    let newest = samples.lazy.map(\.nanoseconds).max() ?? 0
    samples.removeAll { newest - $0.nanoseconds > Self.ageNanoseconds }
    guard let estimate = PathEstimate(samples) else {
      // Samples of no congestion control never are enough.
      if samples.count > Self.limit { samples.removeAll() }
      return nil
    }
    samples.removeAll(keepingCapacity: true)
    return estimate
  }

  static let limit = 64 * PathEstimate.leastSamples
}
