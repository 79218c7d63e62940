/// The worst case of one step over every input that the format allows, computed from the actual weights.
package struct StepProof: Hashable, Sendable, Codable {
  package let step: Int
  package let kind: String
  package let channels: Int
  /// Terms of one sum.
  package let terms: Int
  package let packing: Packing
  /// The smallest and largest value that any channel's sum can take, bias included.
  package let lowestSum: Int64
  package let highestSum: Int64
  /// The channel with the largest magnitude.
  package let worstChannel: Int
  /// The smallest and largest value that a lane must hold: every partial sum, but without the bias for
  /// `triple`, which adds it after the lanes have come apart.
  package let lowestLane: Int64
  package let highestLane: Int64
  /// The largest |sum · multiplier|, proven to be below 2⁶³.
  package let largestProduct: Int64
  /// The range of the step's outputs.
  package let lowestOutput: Int64
  package let highestOutput: Int64

  /// What a lane holds: values must lie in −laneLimit − 1…laneLimit.
  package var laneLimit: Int64 { packing.laneLimit }

  /// The bound that a packing stands on. No snapshot exists without it.
  package var isProven: Bool { packing.holds(lowestLane...highestLane) }

  var output: ClosedRange<Int64> { lowestOutput...highestOutput }
}

extension Packing {
  /// A lane holds −laneLimit − 1…laneLimit. A sum alone in its word keeps a bit, so that it can be negated.
  package var laneLimit: Int64 {
    switch self {
    case .single: Int64.max >> 1
    case .pair, .triple: 1 << Int64(laneBits - 1) - 1
    }
  }

  func holds(_ values: ClosedRange<Int64>) -> Bool {
    values.lowerBound >= -laneLimit - 1 && values.upperBound <= laneLimit
  }
}
