/// Where a snapshot came from and what its integers mean: nothing that a program needs, all that people do.
public struct SnapshotRecord: Hashable, Sendable, Codable {
  public let networkName: String
  /// SHA-256 of the network's layers, in hexadecimal.
  public let networkDigest: String
  public let inputName: String
  public let outputName: String
  /// SHA-256 of the samples and ranges, in hexadecimal.
  public let calibrationDigest: String
  /// The options that made it, as a canonical line.
  public let options: String
  /// The range of each feature before it saturates, in the network's units.
  public let featureRanges: [FeatureRange]
  /// One for each step.
  public let steps: [StepRecord]

  public init(
    networkName: String, networkDigest: String, inputName: String, outputName: String,
    calibrationDigest: String, options: String, featureRanges: [FeatureRange], steps: [StepRecord]
  ) {
    self.networkName = networkName
    self.networkDigest = networkDigest
    self.inputName = inputName
    self.outputName = outputName
    self.calibrationDigest = calibrationDigest
    self.options = options
    self.featureRanges = featureRanges
    self.steps = steps
  }
}

/// The values of one feature that a snapshot tells apart.
public struct FeatureRange: Hashable, Sendable, Codable {
  public let low: Double
  public let high: Double

  public init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  public var width: Double { high - low }
}

/// What a step computes of the float network.
public struct StepRecord: Hashable, Sendable, Codable {
  /// `layer 0 dense + tanh`
  public let name: String
  /// The last layer of the float network whose output this step's output stands for; −1 before the first.
  public let layer: Int
  /// The float value of an output integer of 1.
  public let outputScale: Double

  public init(name: String, layer: Int, outputScale: Double) {
    self.name = name
    self.layer = layer
    self.outputScale = outputScale
  }
}
