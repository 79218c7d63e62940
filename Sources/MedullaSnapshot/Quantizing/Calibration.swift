import MedullaBase
import MedullaModel

/// What a network's inputs look like: samples, or at least a range for each feature.
package struct Calibration: Hashable, Sendable {
  /// Each a network input, row-major.
  package let samples: [[Float]]
  /// One for each feature; replaces the range that the samples show.
  package let ranges: [FeatureRange]?

  package init(samples: [[Float]], ranges: [FeatureRange]? = nil) {
    self.samples = samples
    self.ranges = ranges
  }

  package init(ranges: [FeatureRange]) {
    self.init(samples: [], ranges: ranges)
  }

  /// SHA-256 of the samples and ranges, in hexadecimal.
  package var digest: String {
    var hash = SHA256()
    for sample in samples {
      hash.update(UInt64(sample.count))
      for value in sample { hash.update(UInt64(value.bitPattern)) }
    }
    for range in ranges ?? [] {
      hash.update(range.low.bitPattern)
      hash.update(range.high.bitPattern)
    }
    return hash.finalize().hexadecimal
  }

  /// Checks sizes and values against a network.
  ///
  /// - Throws: `badCalibration` that names the sample or feature.
  func check(for network: Network) throws(SnapshotError) {
    let inputs = network.inputShape.count
    guard !samples.isEmpty || ranges != nil else {
      throw SnapshotError(
        .badCalibration, "there are no calibration samples and no ranges",
        remedy: "Give samples as .npy or .csv, or a range for each feature.")
    }
    for (index, sample) in samples.enumerated() {
      guard sample.count == inputs else {
        throw SnapshotError(
          .badCalibration,
          "calibration sample \(index) has \(sample.count) values and the network takes \(inputs)")
      }
      if let feature = sample.firstIndex(where: { !$0.isFinite }) {
        throw SnapshotError(
          .badCalibration, "feature \(feature) of calibration sample \(index) is \(sample[feature])",
          remedy: "Remove samples with values that are not finite.")
      }
    }
    guard let ranges else { return }
    guard ranges.count == inputs else {
      throw SnapshotError(
        .badCalibration, "there are \(ranges.count) ranges and the network has \(inputs) features")
    }
    for (feature, range) in ranges.enumerated() {
      guard range.low.isFinite, range.high.isFinite, range.low <= range.high else {
        throw SnapshotError(
          .badCalibration, "the range of feature \(feature) is \(range.low) to \(range.high)")
      }
    }
  }
}

/// Calibration samples, the ones kept back, and generated ones.
package struct CalibrationSplit: Hashable, Sendable {
  /// What scales and weights are chosen on.
  package let calibration: [[Float]]
  /// Every fifth sample: never shown to the quantizer.
  package let heldOut: [[Float]]
  /// In-range inputs made from the samples (points between two of them) or drawn from the ranges.
  package let generated: [[Float]]

  /// More samples than this are thinned evenly, so that quantizing stays quick.
  package static let sampleLimit = 2048
  /// A large network sees fewer: one pass over the samples takes at most this many multiply-accumulates …
  static let work = 12_000_000_000
  /// … and one tensor of all samples has at most this many elements.
  static let elements = 1 << 27
  /// Samples that every network sees.
  static let sampleFloor = 16
  static let generatedLimit = 256
  private static let heldOutEvery = 5
  private static let seed: UInt64 = 0x4D45_4455_4C4C_4100

  package init(_ calibration: Calibration, for network: Network) {
    var generator = SeededGenerator(seed: Self.seed)
    let limit = Self.limit(for: network)
    let made = min(Self.generatedLimit, limit)
    if calibration.samples.isEmpty {
      let ranges = calibration.ranges ?? []
      let drawn = (0..<made * 3).map { _ in Self.draw(from: ranges, using: &generator) }
      self.calibration = Array(drawn[..<made]) + Self.corners(of: ranges)
      heldOut = Array(drawn[made..<2 * made])
      generated = Array(drawn[(2 * made)...])
      return
    }
    let all = calibration.samples
    let step = max(1, (all.count + limit - 1) / limit)
    let samples = stride(from: 0, to: all.count, by: step).map { all[$0] }
    let heldOut = samples.indices.filter { samples.count >= Self.heldOutEvery && $0 % Self.heldOutEvery == 2 }
    let kept = Set(heldOut)
    self.heldOut = heldOut.map { samples[$0] }
    let shown = samples.indices.filter { !kept.contains($0) }.map { samples[$0] }
    self.calibration = shown
    generated = (0..<made).map { _ in
      let first = shown[Int.random(in: shown.indices, using: &generator)]
      let second = shown[Int.random(in: shown.indices, using: &generator)]
      let part = Float(generator.unit())
      return zip(first, second).map { $0 + ($1 - $0) * part }
    }
  }

  /// The most samples that a network sees.
  static func limit(for network: Network) -> Int {
    let largest = network.layerShapes.reduce(network.inputShape.count) { max($0, $1.count) }
    let affordable = min(work / max(network.multiplyAccumulates, 1), elements / largest)
    return max(sampleFloor, min(sampleLimit, affordable))
  }

  private static func draw(
    from ranges: [FeatureRange], using generator: inout SeededGenerator
  ) -> [Float] {
    ranges.map { Float($0.low + $0.width * generator.unit()) }
  }

  private static func corners(of ranges: [FeatureRange]) -> [[Float]] {
    [ranges.map { Float($0.low) }, ranges.map { Float($0.high) }]
  }
}
