import MedullaSnapshot

/// Where tensors lie in a program's working memory, in 64-bit words.
///
/// The features come first and are only read, so that they are still there after an inference. Tensors
/// between steps take turns in two regions behind them.
package struct ScratchLayout: Hashable, Sendable {
  package let words: Int
  package let featuresOffset = 0
  /// The entered features, then the output of every step.
  package let tensorOffsets: [Int]

  package var outputsOffset: Int { tensorOffsets.last ?? 0 }

  package init(_ shape: ProgramShape) {
    let counts = [shape.inputs] + shape.steps.map(\.outputCount)
    let even = counts.indices.filter { $0 % 2 == 0 }.map { counts[$0] }.max() ?? 0
    let odd = counts.indices.filter { $0 % 2 == 1 }.map { counts[$0] }.max() ?? 0
    tensorOffsets = counts.indices.map { shape.inputs + ($0 % 2 == 0 ? 0 : even) }
    words = shape.inputs + even + odd
  }
}
