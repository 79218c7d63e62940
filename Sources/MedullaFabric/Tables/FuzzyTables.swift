import MedullaBase
import MedullaSnapshot

/// A dense network as tables of ranges: each group of a layer's inputs is matched to the nearest of a few
/// centres, and what the layer makes of that centre is looked up and added. A switch needs range matches and
/// additions for it, and no multiplication; functions between layers are in the next layer's tables.
///
/// The way of Pegasus (arXiv 2506.05779: Partition, Map by fuzzy matching, SumReduce). It is an approximation
/// of the integer network, and its bits where every value of a group has a leaf of its own. Integers only;
/// features and outputs are the snapshot's fixed point.
package struct FuzzyTables: Sendable, Equatable {
  package let options: FuzzyTableOptions
  package let layers: [TableLayer]
  package let features: [FeatureScaling]
  private let range: ClosedRange<Int64>
  /// By output, which sum of the last layer it is.
  private let sources: [Int]
  private let argmax: ArgmaxStep?

  /// Samples beyond so many are thinned evenly.
  package static let sampleLimit = 1 << 14

  /// - Parameters:
  ///   - snapshot: dense layers, with maps and rearrangements between them, and at the end an argmax or none.
  ///   - samples: fixed-point features that are like those to come, by which trees and values are fitted.
  /// - Throws: `badNetwork` with the step that no table computes or the layer whose sums do not fit;
  ///   `badInput` with the option or the sample that is wrong.
  package init(
    _ snapshot: Snapshot, samples: [[Int64]], options: FuzzyTableOptions = FuzzyTableOptions()
  ) throws(FabricError) {
    try options.check()
    let chain = try DenseChain(snapshot)
    guard !samples.isEmpty else {
      throw FabricError(.badInput, "there are no samples", remedy: "give those of the calibration")
    }
    if let place = samples.firstIndex(where: { $0.count != snapshot.shape.inputs }) {
      throw FabricError(
        .badInput,
        "sample \(place) has \(samples[place].count) values, and the network takes \(snapshot.shape.inputs)")
    }
    let step = (samples.count + Self.sampleLimit - 1) / Self.sampleLimit
    let kept = stride(from: 0, to: samples.count, by: step).map { samples[$0] }
    let filled = Self.filled(kept, to: options.leastSamples, snapshot.parameters.features)
    var fit = try TableFit(ReferenceInterpreter(snapshot), chain, samples: filled, options: options)
    layers = try fit.layers()
    self.options = options
    features = snapshot.parameters.features
    argmax = chain.argmax
    if let cut = chain.layers.last?.cut(chain.end) {
      (range, sources) = (cut, chain.end.sources)
    } else {
      (range, sources) = (Int64.min...Int64.max, Array(chain.end.sources.indices))
    }
  }

  /// The outputs for as many features as the network has inputs, both fixed point.
  package func run(features: [Int64]) -> [Int64] {
    guard let sums = sums(features: features).last, let last = layers.last else { return [] }
    let outputs = sources.map { last.value(of: sums[$0], at: $0).cut(to: range) }
    return argmax.map { [Int64(ClassAnswer(outputs).row) * $0.unit] } ?? outputs
  }

  /// The sums of every layer.
  package func sums(features: [Int64]) -> [[Int64]] {
    precondition(features.count == self.features.count, "the network has \(self.features.count) inputs")
    var values = Self.cut(features, self.features)
    return layers.map { layer in
      values = layer.sums(of: values)
      return values
    }
  }

  private static let seed: UInt64 = 0x4D45_4455_4C4C_4101

  /// Samples, and behind them points on the lines between two of them: where there are few, so many in all.
  private static func filled(
    _ samples: [[Int64]], to count: Int, _ features: [FeatureScaling]
  ) -> [[Int64]] {
    var random = SeededGenerator(seed: seed)
    // Features outside their ranges are as those at the ends, whose distance cannot overflow.
    let inside = samples.map { cut($0, features) }
    let points = (0..<max(0, count - samples.count)).map { _ in
      let first = inside[Int.random(in: inside.indices, using: &random)]
      let second = inside[Int.random(in: inside.indices, using: &random)]
      let part = Int64.random(in: 0...256, using: &random)
      return zip(zip(first, second), features).map { pair, feature in
        feature.low + pair.0 + ((pair.1 - pair.0) * part) >> 8
      }
    }
    return samples + points
  }

  /// Features cut to their ranges and counted from the low ends, so that none is below 0.
  static func cut(_ features: [Int64], _ scalings: [FeatureScaling]) -> [Int64] {
    zip(features, scalings).map { feature, scaling in
      feature.cut(to: scaling.low...(scaling.low + scaling.width)) - scaling.low
    }
  }
}
