import MedullaBase

/// Where a snapshot came from and what its integers mean: nothing that a program needs, all that people do.
package struct SnapshotRecord: Hashable, Sendable, Codable {
  package let networkName: String
  /// SHA-256 of the network's layers, in hexadecimal.
  package let networkDigest: String
  package let inputName: String
  package let outputName: String
  /// SHA-256 of the samples and ranges, in hexadecimal.
  package let calibrationDigest: String
  /// The options that made it, as a canonical line.
  package let options: String
  /// The range of each feature before it saturates, in the network's units.
  package let featureRanges: [FeatureRange]
  /// One for each step.
  package let steps: [StepRecord]
  /// Which part of another snapshot this one is; absent for a whole network.
  package let slice: SliceRecord?

  package init(
    networkName: String, networkDigest: String, inputName: String, outputName: String,
    calibrationDigest: String, options: String, featureRanges: [FeatureRange], steps: [StepRecord],
    slice: SliceRecord? = nil
  ) {
    self.networkName = networkName
    self.networkDigest = networkDigest
    self.inputName = inputName
    self.outputName = outputName
    self.calibrationDigest = calibrationDigest
    self.options = options
    self.featureRanges = featureRanges
    self.steps = steps
    self.slice = slice
  }
}

extension SnapshotRecord {
  private enum CodingKeys: String, CodingKey {
    case networkName, networkDigest, inputName, outputName, calibrationDigest, options, featureRanges, steps,
      slice
    /// How many ranges there are when all are like the one that is written.
    case featureCount
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(networkName, forKey: .networkName)
    try container.encode(networkDigest, forKey: .networkDigest)
    try container.encode(inputName, forKey: .inputName)
    try container.encode(outputName, forKey: .outputName)
    try container.encode(calibrationDigest, forKey: .calibrationDigest)
    try container.encode(options, forKey: .options)
    try container.encode(steps, forKey: .steps)
    try container.encodeIfPresent(slice, forKey: .slice)
    // Tens of thousands of features that are alike, as a slice's are, would be most of a file.
    if featureRanges.count > 1, featureRanges.allSatisfy({ $0 == featureRanges.first }) {
      try container.encode([featureRanges[0]], forKey: .featureRanges)
      try container.encode(featureRanges.count, forKey: .featureCount)
    } else {
      try container.encode(featureRanges, forKey: .featureRanges)
    }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let written = try container.decode([FeatureRange].self, forKey: .featureRanges)
    let count = try container.decodeIfPresent(Int.self, forKey: .featureCount)
    if let count, !(1...SnapshotLimits.tensorElements).contains(count) || written.count != 1 {
      throw DecodingError.dataCorruptedError(
        forKey: .featureCount, in: container, debugDescription: "\(count) features of \(written.count)")
    }
    self.init(
      networkName: try container.decode(String.self, forKey: .networkName),
      networkDigest: try container.decode(String.self, forKey: .networkDigest),
      inputName: try container.decode(String.self, forKey: .inputName),
      outputName: try container.decode(String.self, forKey: .outputName),
      calibrationDigest: try container.decode(String.self, forKey: .calibrationDigest),
      options: try container.decode(String.self, forKey: .options),
      featureRanges: count.map { [FeatureRange](repeating: written[0], count: $0) } ?? written,
      steps: try container.decode([StepRecord].self, forKey: .steps),
      slice: try container.decodeIfPresent(SliceRecord.self, forKey: .slice))
  }
}

/// The values of one feature that a snapshot tells apart.
package struct FeatureRange: Hashable, Sendable, Codable {
  package let low: Double
  package let high: Double

  package init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  package var width: Double { high - low }
}

/// What a step computes of the float network.
package struct StepRecord: Hashable, Sendable, Codable {
  /// `layer 0 dense + tanh`
  package let name: String
  /// The last layer of the float network whose output this step's output stands for; −1 before the first.
  package let layer: Int
  /// The float value of an output integer of 1.
  package let outputScale: Double

  package init(name: String, layer: Int, outputScale: Double) {
    self.name = name
    self.layer = layer
    self.outputScale = outputScale
  }
}
