import MedullaSnapshot

/// What a part of a stage takes of a switch.
package struct ResourceModel: Sendable {
  /// Inferences that are on their way at once, each with activations and sums of its own.
  package static let standardInferences = 8
  private static let wordBytes = 8

  private let shape: ProgramShape
  package let inferences: Int

  package init(_ shape: ProgramShape, inferences: Int = standardInferences) {
    (self.shape, self.inferences) = (shape, inferences)
  }

  /// Bytes of an activation between layers.
  package var activationBytes: Int { shape.activationBytes }

  /// Bytes that some of a stage's channels take of a switch with so many processors.
  ///
  /// Packed weights with their biases and multipliers, and for each inference all of the stage's inputs, a
  /// sum of each neuron for each processor, and the outputs. A convolution's sums do not outlive its window.
  package func memoryBytes(_ stage: Stage, channels: Int, processors: Int) -> Int {
    let sums = stage.isConvolution ? 0 : channels * processors * Self.wordBytes
    let outputs = (stage.outputs * channels + stage.channels - 1) / stage.channels * activationBytes
    return weightBytes(stage, channels: channels)
      + inferences * (stage.inputs * activationBytes + sums + outputs)
  }

  private func weightBytes(_ stage: Stage, channels: Int) -> Int {
    var words = 0
    for step in shape.steps[stage.steps] {
      if let block = step.block {
        words +=
          LinearBlock(
            channels: stage.isDivisible ? channels : block.channels, terms: block.terms,
            groups: stage.isDivisible ? 1 : block.groups, packing: block.packing
          ).words
      }
      if let table = step.usedTable, shape.tables.indices.contains(table) {
        words += shape.tables[table].heldLines
      }
    }
    return words * Self.wordBytes
  }

  /// Multiply-accumulates of some of a stage's channels.
  package func operations(_ stage: Stage, channels: Int) -> Int {
    stage.operations / stage.channels * channels
  }
}

extension Step {
  fileprivate var usedTable: Int? {
    if case .softmax(let step) = self { return step.table }
    if case .table(let index) = epilogue?.function { return index }
    return nil
  }
}
