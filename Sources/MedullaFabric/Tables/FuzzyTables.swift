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
    var fit = try TableFit(ReferenceInterpreter(snapshot), chain, samples: kept, options: options)
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
    var keys = Self.keys(of: features, self.features)
    return layers.map { layer in
      keys = layer.sums(of: keys)
      return keys
    }
  }

  /// Unsigned keys of features: cut to their ranges, counted from the low ends.
  static func keys(of features: [Int64], _ scalings: [FeatureScaling]) -> [Int64] {
    zip(features, scalings).map { feature, scaling in
      feature.cut(to: scaling.low...(scaling.low + scaling.width)) - scaling.low
    }
  }
}
