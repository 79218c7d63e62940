/// Where each part of a snapshot lies in its image, in 64-bit words.
package struct ImageLayout: Hashable, Sendable {
  package struct Section: Hashable, Sendable {
    package let name: String
    package let offset: Int
    package let words: Int
    package var end: Int { offset + words }
  }

  /// Words of one feature: low, width, multiplier, bias.
  package static let featureWords = 4
  /// The two bounds that a `clip` epilogue reads before its weights.
  package static let clipWords = 2

  package let tables: [Section]
  package let features: Section
  /// One for each step; empty for a step without data.
  package let steps: [Section]

  package var words: Int { steps.last?.end ?? features.end }
  package var sections: [Section] { tables + [features] + steps.filter { $0.words > 0 } }

  /// The shape must be checked (`ProgramShape.check()`), so that no size overflows.
  package init(_ shape: ProgramShape) {
    var offset = 0
    var tables: [Section] = []
    for (index, table) in shape.tables.enumerated() {
      tables.append(
        Section(name: "table \(index) \(table.function.rawValue)", offset: offset, words: table.heldLines))
      offset += table.heldLines
    }
    features = Section(name: "features", offset: offset, words: shape.inputs * Self.featureWords)
    offset = features.end
    var steps: [Section] = []
    for (index, step) in shape.steps.enumerated() {
      let section = Section(name: "step \(index) \(step.kind)", offset: offset, words: Self.words(of: step))
      steps.append(section)
      offset = section.end
    }
    self.tables = tables
    self.steps = steps
  }

  private static func words(of step: Step) -> Int {
    let clip = step.epilogue?.function == .clip ? clipWords : 0
    switch step {
    case .dense(let dense): return clip + LinearBlock(dense).words
    case .convolution(let convolution): return clip + LinearBlock(convolution).words
    case .map: return clip + 2
    case .softmax: return 1
    case .pad, .pool, .gather, .argmax: return 0
    }
  }
}
