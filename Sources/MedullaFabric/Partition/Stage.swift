import MedullaSnapshot

/// A layer of a network with what belongs to it: the least that is placed.
///
/// It has one step that sums, before it what only moves its inputs (padding, a choice of elements), behind it
/// what follows (pooling, an activation of its own, softmax).
package struct Stage: Sendable, Equatable, Codable {
  /// `conv1`, `dense3`.
  package let name: String
  /// Of the snapshot.
  package let firstStep: Int
  package let lastStep: Int
  /// Filters, or neurons.
  package let channels: Int
  /// Elements that it reads and writes.
  package let inputs: Int
  package let outputs: Int
  /// Multiply-accumulates of an inference.
  package let operations: Int
  /// Weights and biases.
  package let parameters: Int
  package let isConvolution: Bool
  /// Whether some of its channels can be elsewhere than the others.
  package let isDivisible: Bool

  package var steps: ClosedRange<Int> { firstStep...lastStep }
}

extension Stage {
  /// The stages of a network, in the order of the data.
  ///
  /// - Throws: `badNetwork` where nothing sums.
  package static func all(of shape: ProgramShape) throws(FabricError) -> [Stage] {
    let summing = shape.steps.indices.filter { shape.steps[$0].block != nil }
    guard !summing.isEmpty else {
      throw FabricError(
        .badNetwork, "the network has no dense layer and no convolution",
        remedy: "`medulla inspect` shows its steps")
    }
    // What moves inputs goes where they are used.
    let starts = summing.enumerated().map { number, place in
      var first = place
      while number > 0, first - 1 > summing[number - 1], shape.steps[first - 1].onlyMoves { first -= 1 }
      return number == 0 ? 0 : first
    }
    var counts = (convolutions: 0, dense: 0)
    return summing.enumerated().map { number, place in
      let last = number + 1 < starts.count ? starts[number + 1] - 1 : shape.steps.count - 1
      let isConvolution = if case .convolution = shape.steps[place] { true } else { false }
      if isConvolution { counts.convolutions += 1 } else { counts.dense += 1 }
      return Stage(
        name: isConvolution ? "conv\(counts.convolutions)" : "dense\(counts.dense)",
        firstStep: starts[number], lastStep: last,
        channels: shape.steps[place].channels, inputs: shape.steps[starts[number]].inputCount,
        outputs: shape.steps[last].outputCount, operations: shape.steps[place].operations,
        parameters: shape.steps[place].parameters,
        isConvolution: isConvolution,
        isDivisible: shape.steps[place].groups == 1
          && shape.steps[place...last].dropFirst().allSatisfy(\.keepsChannels))
    }
  }
}

extension Step {
  fileprivate var onlyMoves: Bool {
    switch self {
    case .pad, .gather: true
    case .dense, .convolution, .pool, .map, .softmax, .argmax: false
    }
  }

  /// Whether each channel of its output comes of one channel of its input.
  fileprivate var keepsChannels: Bool {
    switch self {
    case .pad, .pool, .map: true
    case .dense, .convolution, .gather, .softmax, .argmax: false
    }
  }

  fileprivate var groups: Int {
    if case .convolution(let step) = self { step.groups } else { 1 }
  }

  fileprivate var channels: Int { block.map { $0.channels * $0.groups } ?? 0 }

  fileprivate var parameters: Int { block.map { ($0.terms + 1) * $0.channels * $0.groups } ?? 0 }

  /// Multiply-accumulates.
  fileprivate var operations: Int {
    switch self {
    case .dense(let step): step.inputs * step.outputs
    case .convolution(let step):
      step.outputHeight * step.outputWidth * step.outputChannels * step.fanIn
    case .pad, .pool, .gather, .map, .softmax, .argmax: 0
    }
  }
}
