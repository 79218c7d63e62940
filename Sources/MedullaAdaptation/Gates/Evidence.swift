/// What a gate or a trigger measured, and what it held that against.
package struct Evidence: Sendable, Equatable {
  /// What value and threshold are counted in.
  package enum Unit: String, Sendable, Equatable, Codable, CaseIterable {
    /// Range over mean.
    case partOfMean = "part_of_mean"
    /// Of an output, O_max − O_min.
    case partOfOutputRange = "part_of_output_range"
    case seconds
    /// Population stability index.
    case stabilityIndex = "population_stability_index"
    /// As whoever gave the value counts it.
    case given
    case samples
  }

  /// nil: there was nothing to measure yet.
  package var value: Double?
  package var threshold: Double
  /// nil: of a record from before units were told.
  package var unit: Unit?
  /// How many rounds or samples the value was taken over; nil: of a record from before they were told.
  package var count: Int?
  /// For people: why the word is what it is.
  package var reason: String
  /// Further figures, by name.
  package var figures: [String: Double]

  package init(
    value: Double?, threshold: Double, unit: Unit, count: Int, reason: String, figures: [String: Double] = [:]
  ) {
    self.value = value
    self.threshold = threshold
    self.unit = unit
    self.count = count
    self.reason = reason
    self.figures = figures
  }
}

// In JSON the evidence's keys stand beside those of the word that rests on it.
extension Evidence: Codable {
  enum CodingKeys: String, CodingKey {
    case value, threshold, unit, reason, figures
    case count = "n"
  }
}
