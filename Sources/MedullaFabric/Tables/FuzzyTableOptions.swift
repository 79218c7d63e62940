/// How large the tables of a network may be, and how they are fitted.
package struct FuzzyTableOptions: Sendable, Equatable, Codable {
  /// Inputs of a layer that one table matches together.
  package var groupSize: Int
  /// Ranges that a table has at most: leaves of its tree.
  package var leaves: Int
  /// Bits that the sums of a layer have at most, unsigned.
  package var sumBits: Int
  /// Bits that a key has at most: the upper ones of a feature or of a sum.
  package var keyBits: Int
  /// Layers, counted from the last one, whose values are fitted to the integer network's sums; the others
  /// hold what the layer makes of the centre of each leaf.
  package var refinedLayers: Int
  /// How far a value stays with its centre: as if so many samples more had been seen that agree with it.
  package var prior: Double
  /// With fewer samples, points between two of them are added until there are so many: ranges that no sample
  /// is near would else belong to any leaf.
  package var leastSamples: Int

  package init(
    groupSize: Int = 2, leaves: Int = 16, sumBits: Int = 16, keyBits: Int = 8, refinedLayers: Int = 1,
    prior: Double = 1, leastSamples: Int = 2_000
  ) {
    self.groupSize = groupSize
    self.leaves = leaves
    self.sumBits = sumBits
    self.keyBits = keyBits
    self.refinedLayers = refinedLayers
    self.prior = prior
    self.leastSamples = leastSamples
  }

  /// With more keys a box has more prefixes than any switch takes.
  package static let groupSizes = 1...8
  package static let leafCounts = 1...4_096
  /// Fewer bits do not hold a class's margin; more do not leave room for what sums stand for.
  package static let sumWidths = 8...62
  package static let keyWidths = 1...62

  /// - Throws: `badInput` with the option that is out of its range.
  func check() throws(FabricError) {
    try Self.check("the group size", groupSize, Self.groupSizes)
    try Self.check("leaves", leaves, Self.leafCounts)
    try Self.check("the bits of sums", sumBits, Self.sumWidths)
    try Self.check("the bits of keys", keyBits, Self.keyWidths)
    try Self.check("refined layers", refinedLayers, 0...Int.max)
    try Self.check("the least number of samples", leastSamples, 0...FuzzyTables.sampleLimit)
    guard prior.isFinite, prior >= 0 else {
      throw FabricError(.badInput, "a prior of \(prior) samples", remedy: "give 0 or more")
    }
  }

  private static func check(
    _ name: String, _ value: Int, _ range: ClosedRange<Int>
  ) throws(FabricError) {
    guard range.contains(value) else {
      throw FabricError(
        .badInput, "\(name): \(value)", remedy: "give \(range.lowerBound) to \(range.upperBound)")
    }
  }
}
