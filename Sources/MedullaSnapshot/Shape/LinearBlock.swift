/// How the weights of one dense or convolution step lie in the image, in the order in which a program reads
/// them.
///
/// Channels are cut into *units* of `lanes` channels that share a word, units into *chunks* of up to four
/// that are summed side by side. A chunk is: one start word for each unit (the biases, packed like weights;
/// absent for three lanes), then for each term one weights word for each unit, then for three lanes a bias
/// for each channel, then a multiplier for each channel. A convolution's groups are blocks of their own, one
/// after another; a channel that only fills a lane has zeros.
package struct LinearBlock: Hashable, Sendable {
  /// Channels of one group.
  package let channels: Int
  package let terms: Int
  package let groups: Int
  package let packing: Packing

  package init(channels: Int, terms: Int, groups: Int, packing: Packing) {
    self.channels = channels
    self.terms = terms
    self.groups = groups
    self.packing = packing
  }

  package init(_ step: DenseStep) {
    self.init(channels: step.outputs, terms: step.inputs, groups: 1, packing: step.packing)
  }

  package init(_ step: ConvolutionStep) {
    self.init(
      channels: step.outputChannels / step.groups, terms: step.fanIn, groups: step.groups,
      packing: step.packing)
  }

  package var units: Int { (channels + packing.lanes - 1) / packing.lanes }
  package var fullChunks: Int { units / Packing.accumulators }
  /// Units of the last, smaller chunk; 0 when there is none.
  package var remainder: Int { units % Packing.accumulators }

  /// Words of a chunk of `units` units.
  package func chunkWords(units: Int) -> Int {
    let biases = packing == .triple ? units * packing.lanes : units
    return biases + terms * units + units * packing.lanes
  }

  package var groupWords: Int {
    fullChunks * chunkWords(units: Packing.accumulators) + (remainder > 0 ? chunkWords(units: remainder) : 0)
  }

  package var words: Int { groups * groupWords }
}

extension Step {
  /// The weights' block of a step that sums.
  package var block: LinearBlock? {
    switch self {
    case .dense(let step): LinearBlock(step)
    case .convolution(let step): LinearBlock(step)
    case .pad, .pool, .gather, .map, .softmax, .argmax: nil
    }
  }
}
